"""172-persistent-error: what never heals stops the job again after every resume, and only force ends it.

Groups: job error quick
Source: QE-13, QE-09, QS-06, 229-1, BF-15
"""

from harness.bench import Bench
from harness.job_course import show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 192 * KIB, 0x11)
    target = bench.disk("target", 192 * KIB)
    for side, operation in ((source, "read"), (target, "write")):
        side.fail(operation, offset=64 * KIB, length=512, count=None)
        bench.mirror(source, target, buf_size=64 * KIB, on_source_error="stop", on_target_error="stop")
        bench.wait_event("JOB_STATUS_CHANGE", status="paused")
        for _ in range(3):
            bench.execute("job-resume", id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="paused")
            show_state(bench)
            bench.say(f"io-status {bench.job()['io-status']}")
        bench.execute("job-pause", id="job0")
        bench.execute("block-job-cancel", device="job0")
        bench.execute("block-job-cancel", device="job0", force=True)
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        side.let_everything_pass()
