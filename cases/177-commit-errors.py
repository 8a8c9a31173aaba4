"""177-commit-errors: an active commit meets a failed read of its top and a failed write to its base as its policy says.

Reported, it ends with the error, and nothing is counted as done. Ignored or stopped and resumed, it goes on to READY,
and the base has what the image showed.

Groups: commit error quick
Needs: block-commit driver=qcow2
Source: 040-EH-ActiveReadErrorReport, 040-EH-ActiveReadErrorStop, 040-EH-ActiveReadErrorIgnore,
    040-EH-ActiveWriteErrorReport, 040-EH-ActiveWriteErrorStop, 040-EH-ActiveWriteErrorIgnore, QE-10, QE-11, QE-12
"""

from harness.bench import Bench
from harness.job_course import show_state
from harness.units import KIB

SIZE = 512 * KIB


def run(bench: Bench) -> None:
    for operation in ("read", "write"):
        for policy in ("report", "stop", "ignore"):
            base = bench.disk(f"base-{operation}-{policy}", SIZE, 0x11)
            top = bench.overlay(f"top-{operation}-{policy}", SIZE, backing=base.name)
            guest = bench.guest(top)
            guest.write(0, SIZE, 0x22)
            (bench.disk_named(f"{top}-file") if operation == "read" else base).fail(operation)
            bench.execute("block-commit", job_id="job0", device=top, on_error=policy, auto_dismiss=False)
            bench.wait_event("BLOCK_JOB_ERROR", device="job0")
            if policy == "stop":
                bench.wait_event("JOB_STATUS_CHANGE", status="paused")
                show_state(bench)
                bench.execute("job-resume", id="job0")
            if policy != "report":
                bench.wait_event("BLOCK_JOB_READY")
                bench.execute("job-complete", id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="concluded")
            show_state(bench)
            bench.execute("job-dismiss", id="job0")
            held = base.storage.read_bytes(0, SIZE)
            bench.say(f"the base holds only 0x22: {held == bytes([0x22]) * SIZE}")
