"""335-write-into-the-start: a write that has to wait for the start of a job passes the filter first, and is mirrored.

A first write is held on its way to the source, so the command waits in its drained section. A second one comes, waits
for the end of the section, and is the first to pass the filter, at the moment when the job begins. It must come to the
target, with sync=none too, for it is done after the filter is in; and its bit must not be lost in the first scan.

Only a model can be made to send the second write within the drained section: a real program takes it from a connection
of its own, before the section or in it, and does not say which.

Groups: active held race regression quick
Needs: copy-mode=write-blocking virtual-time
Source: 151-6, BF-20, BF-21, BF-25, C20, C26
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for sync in ("full", "none"):
        for copy_mode in ("background", "write-blocking"):
            bench.note(f"sync={sync}, {copy_mode}")
            source = bench.disk(f"source-{sync}-{copy_mode}", 1 * MIB, 0x11)
            target = bench.disk(f"target-{sync}-{copy_mode}", 1 * MIB)
            guest = bench.guest(source)
            source.hold("write", offset=2 * GRANULE, length=GRANULE)
            first = guest.start_write(2 * GRANULE, GRANULE, 0x22)
            source.wait_held()
            arguments = {"job-id": "job0", "device": source.name, "target": target.name, "sync": sync}
            pending = bench.start_execute("blockdev-mirror", arguments | {"copy-mode": copy_mode})
            second = guest.start_write(6 * GRANULE, 512, 0x33)
            source.let_everything_pass()
            first.wait()
            second.wait()
            bench.finish(pending)
            bench.wait_event("BLOCK_JOB_READY")
            bench.wait_until(lambda: bench.dirty_bytes() == 0, "everything to be copied")
            for offset in (2 * GRANULE, 6 * GRANULE):
                target.show_byte(offset)
            bench.execute("block-job-cancel", device="job0")
            bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
            if sync == "full":
                bench.require_equal(source, target)
