"""082-mirror-leaves-bitmaps: a mirror changes no bitmap of the source but its own, whichever way it copies and ends.

The job sets and clears bits all the time, in a bitmap that nobody else uses. Those that a user made, enabled or
disabled, dirty or clean, are the same before the job, during it and afterwards: a backup that goes by them misses
nothing. They stay with the source; once the guest has moved to the target, its writes are not recorded there.

Groups: bitmap mirror quick
Needs: copy-mode=write-blocking block-dirty-bitmap-add bitmap-export
Source: B18, QQ-4
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for index, (copy_mode, ends) in enumerate(
        (
            ("background", "completes"),
            ("background", "is cancelled"),
            ("write-blocking", "completes"),
            ("write-blocking", "is cancelled"),
        )
    ):
        bench.note(f"{copy_mode}, and the job {ends}")
        source = bench.disk(f"source{index}", 1 * MIB, 0x11)
        target = bench.disk(f"target{index}", 1 * MIB)
        guest = bench.guest(source)
        enabled = bench.add_bitmap(source, "enabled", granularity=4 * KIB)
        disabled = bench.add_bitmap(source, "disabled")
        clean = bench.add_bitmap(source, "clean")
        guest.write(100 * KIB, 8 * KIB, 0x22)
        disabled.disable()
        clean.clear()
        bitmaps = (enabled, disabled, clean)
        for bitmap in bitmaps:
            bitmap.show()

        bench.mirror(source, target, copy_mode=copy_mode, speed=1, buf_size=GRANULE)
        for bitmap in bitmaps:
            bitmap.show_count()
        bench.execute("block-job-set-speed", device="job0", speed=0)
        bench.wait_event("BLOCK_JOB_READY")
        for bitmap in bitmaps:
            bitmap.show_count()
        if ends == "completes":
            bench.execute("job-complete", id="job0")
        else:
            bench.execute("job-cancel", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
        for bitmap in bitmaps:
            bitmap.show()
        bench.note("the next write goes to the disk that the guest now has")
        guest.write(512 * KIB, 4 * KIB, 0x33)
        for bitmap in bitmaps:
            bitmap.show()
        bench.compare(source, target)
