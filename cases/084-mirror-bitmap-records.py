"""084-mirror-bitmap-records: under a mirror a bitmap of the source records exactly what the guest writes.

Before the copy has come there and after, before READY and after, in either copy mode: each guest write is in the user's
bitmap, and none of the job's reads is. Bitmaps can be disabled, merged, made and removed while the job runs. Discards
that the disk does not take are not recorded. A bitmap of the target records what arrives there: all of the disk by the
time of READY, and then, with write-blocking, what the guest writes.

Groups: bitmap mirror quick
Needs: copy-mode=write-blocking block-dirty-bitmap-merge bitmap-export
Source: B18, B21, QQ-4, QE-18
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for copy_mode in ("background", "write-blocking"):
        bench.note(f"{copy_mode}: frozen after the first granule")
        source = bench.disk(f"{copy_mode}-source", 1 * MIB, 0x11)
        target = bench.disk(f"{copy_mode}-target", 1 * MIB)
        guest = bench.guest(source)
        written = bench.add_bitmap(source, "written", granularity=4 * KIB)
        arrived = bench.add_bitmap(target, "arrived", granularity=4 * KIB)
        bench.mirror(source, target, copy_mode=copy_mode, speed=1, buf_size=GRANULE)
        written.show_count()
        arrived.show_count()
        bench.note("copied already, not yet copied, whole, in part, over a border")
        guest.write(8 * KIB, 1, 0x22)
        written.show_count()
        guest.write(256 * KIB, GRANULE, 0x22)
        written.show_count()
        guest.write(512 * KIB - 1, 2, 0x22)
        written.show_count()
        guest.zero(640 * KIB, 100)
        written.show_count()
        bench.note("no write: a discard that is not taken, a read")
        guest.discard(704 * KIB, GRANULE)
        guest.read(768 * KIB, 512)
        written.show_count()

        bench.note("commands while the job runs")
        late = bench.add_bitmap(source, "late", granularity=512)
        guest.write(900 * KIB, 512, 0x33)
        written.disable()
        guest.write(960 * KIB, 512, 0x33)
        late.merge(written)
        written.enable()
        written.show_count()
        late.show_count()
        late.remove()

        bench.note("all is copied")
        bench.execute("block-job-set-speed", device="job0", speed=0)
        bench.wait_event("BLOCK_JOB_READY")
        written.show_count()
        arrived.show_count()
        if copy_mode == "write-blocking":
            bench.note("in sync: what the guest writes arrives, and nothing else")
            arrived.clear()
        guest.write(20 * KIB, 4 * KIB, 0x44)
        written.show_count()
        if copy_mode == "write-blocking":
            arrived.show_count()
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
        written.show()
        arrived.show()
        bench.note("the guest has the target now")
        guest.write(128 * KIB, 1, 0x55)
        written.show()
        arrived.show()
