"""174-enospc: a full target stops the job, and the job goes on when there is room.

The target refuses everything from its middle on, then takes it.

Groups: job error quick
Source: QE-14, 248-1, TP-07, TP-38
"""

from harness.bench import Bench
from harness.job_course import show_state
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    full = target.fail("write", "ENOSPC", offset=512 * KIB, count=None)
    bench.mirror(source, target, buf_size=64 * KIB, on_target_error="enospc")
    bench.wait_event("JOB_STATUS_CHANGE", status="paused")
    show_state(bench)
    bench.say(f"io-status {bench.job()['io-status']}")
    target.let_go(full)
    bench.execute("block-job-resume", device="job0")
    bench.wait_event("BLOCK_JOB_READY")
    bench.say(f"io-status {bench.job()['io-status']}")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
