"""170-error-policies: what each policy does about a failed read of the source and a failed write to the target.

One request fails once, with EIO or with ENOSPC. `report` ends the job with the error, before READY. `ignore` says so
and tries again. `stop` pauses the job, whose status says why, until somebody resumes it. `enospc` and
`auto` stop for ENOSPC and report everything else. A read cannot run out of space; its policy is the same.

Groups: job error quick
Source: QE-10, QE-11, QE-12, QE-14, QA-09, QA-10, QQ-2, 041-I-report_read, 041-I-ignore_read, 041-I-stop_read,
    041-J-report_write, 041-J-ignore_write, 041-J-stop_write, TP-07, TP-14, TP-38, C38
"""

from harness.bench import Bench
from harness.job_course import show_state
from harness.units import KIB

SIDES = (("source", "read", "on_source_error"), ("target", "write", "on_target_error"))


def run(bench: Bench) -> None:
    source = bench.disk("source", 192 * KIB, 0x11)
    target = bench.disk("target", 192 * KIB)
    disks = {"source": source, "target": target}
    for side, operation, option in SIDES:
        for policy in ("report", "ignore", "stop", "enospc", "auto"):
            for error in ("EIO", "ENOSPC"):
                disks[side].fail(operation, error, offset=64 * KIB, length=512)
                options = {option: policy, "auto_dismiss": False}
                bench.mirror(source, target, buf_size=64 * KIB, **options)
                bench.wait_event("BLOCK_JOB_ERROR")
                bench.wait_until(lambda: status(bench) in ("paused", "ready", "concluded"), "the job to come to rest")
                show_state(bench)
                bench.say(f"io-status {bench.job()['io-status']}")
                if status(bench) == "paused":
                    bench.execute("job-resume", id="job0")
                    bench.wait_event("BLOCK_JOB_READY")
                    bench.say(f"io-status {bench.job()['io-status']}")
                if status(bench) == "ready":
                    bench.execute("job-complete", id="job0")
                    bench.wait_event("JOB_STATUS_CHANGE", status="concluded")
                    bench.require_equal(source, target)
                bench.execute("job-dismiss", id="job0")


def status(bench: Bench) -> str:
    """The state, in the job's own words."""
    return str(bench.job()["status"])
