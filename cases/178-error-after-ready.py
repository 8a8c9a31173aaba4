"""178-error-after-ready: a guest never hears of errors of the background copy; the job does what its policy says.

A copy after READY fails to read or to write. Reported, the job aborts. Ignored, it tries again and stays ready.
Stopped, it goes to standby, and to ready again when it is resumed, without another BLOCK_JOB_READY.

Groups: job error background quick
Source: QE-10, QE-11, QE-12, QQ-3, BF-15
"""

from harness.bench import Bench
from harness.job_course import show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    for policy in ("report", "ignore", "stop"):
        for operation in ("read", "write"):
            source = bench.disk(f"source-{policy}-{operation}", 128 * KIB, 0x11)
            target = bench.disk(f"target-{policy}-{operation}", 128 * KIB)
            guest = bench.guest(source)
            bench.mirror(source, target, on_source_error=policy, on_target_error=policy, auto_dismiss=False)
            bench.wait_event("BLOCK_JOB_READY")
            (source if operation == "read" else target).fail(operation)
            guest.write(0, 512, 0x22)
            bench.wait_event("BLOCK_JOB_ERROR")
            if policy == "report":
                bench.wait_event("JOB_STATUS_CHANGE", status="concluded")
                show_state(bench)
                bench.execute("job-dismiss", id="job0")
                continue
            if policy == "stop":
                bench.wait_event("JOB_STATUS_CHANGE", status="standby")
                bench.say(f"io-status {bench.job()['io-status']}")
                bench.show_progress()
                bench.execute("job-resume", id="job0")
            bench.wait_until(lambda: bench.dirty_bytes() == 0, "the write to be copied")
            bench.wait_until(lambda: bench.progress()[0] == bench.progress()[1], "the copy to be counted")
            bench.show_progress()
            bench.execute("job-complete", id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="concluded")
            bench.require_equal(source, target)
            bench.execute("job-dismiss", id="job0")
