"""226-discard-during-copy: a guest's discard while the copy runs leaves source and target equal.

Of what is still to be copied, of what is being copied, and of what has been, on disks that take discards. Whether the
source loses the data is the program's affair: all versions drop a discard while a mirror runs.

Groups: background active quick
Source: 132-1, A9, C8, C9
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for copy_mode in ("background", "write-blocking"):
        source = bench.disk(f"source-{copy_mode}", 2 * MIB, 0x5D, unmap=True)
        target = bench.disk(f"target-{copy_mode}", 2 * MIB, unmap=True)
        guest = bench.guest(source)
        source.hold("read", offset=0, length=GRANULE)
        bench.mirror(source, target, copy_mode=copy_mode, speed=1, buf_size=GRANULE)
        (read,) = source.wait_held()
        guest.discard(0, GRANULE)
        guest.discard(1 * MIB + 512, GRANULE)
        source.release(read)
        bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule to be counted")
        guest.discard(0, GRANULE)
        source.let_everything_pass()
        bench.execute("block-job-set-speed", device="job0", speed=0)
        bench.wait_event("BLOCK_JOB_READY")
        guest.discard(512, 1024)
        guest.discard(3 * GRANULE, GRANULE)
        bench.wait_until(lambda: bench.dirty_bytes() == 0, "nothing to be dirty")
        bench.wait_until(lambda: bench.progress()[0] == bench.progress()[1], "the copy to be counted")
        bench.require_equal(source, target)
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
