"""224-guest-without-space: a source that has no room for a guest's write fails that write, and no mirror.

Before the job, while it copies, and in READY, in background and in active mode. What could not be written is on neither
disk, and the job has no error.

Groups: background active error quick
Source: TP-02, TP-31, QE-01, GAP-02
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for copy_mode in ("background", "write-blocking"):
        bench.note(copy_mode)
        source = bench.disk(f"source-{copy_mode}", 8 * GRANULE, 0x11)
        target = bench.disk(f"target-{copy_mode}", 8 * GRANULE)
        guest = bench.guest(source)
        full = source.fail("write", "ENOSPC", offset=4 * GRANULE, count=None)
        guest.write(5 * GRANULE, GRANULE, 0x22)
        source.hold("read")
        bench.mirror(source, target, copy_mode=copy_mode, buf_size=GRANULE)
        source.wait_held()
        for granule in (3, 5):
            guest.write(granule * GRANULE + 512, 1024, 0x33)
        source.let_everything_pass()
        full = source.fail("write", "ENOSPC", offset=4 * GRANULE, count=None)
        bench.wait_event("BLOCK_JOB_READY")
        for granule in (1, 6):
            guest.write(granule * GRANULE + 512, 1024, 0x44)
        source.let_go(full)
        guest.write(7 * GRANULE + 512, 1024, 0x55)
        bench.wait_until(lambda: bench.dirty_bytes() == 0, "nothing to be dirty")
        bench.say(f"io-status {bench.job()['io-status']}")
        bench.hide_event_members("len", "offset", reason="what is copied twice depends on the copy's speed")
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
