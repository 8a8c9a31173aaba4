"""107-change-of-other-jobs: a job that is no mirror cannot be changed, also an active commit, which is one inside.

Each is kept at its first copy: the commit by a held write to its base, the stream by a held read of it.

Groups: job commit qmp quick
Needs: block-job-change block-commit block-stream driver=qcow2
Source: QS-18, QV-8
"""

from harness.bench import Bench
from harness.job_course import show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    for name, held in (("commit", "write"), ("stream", "read")):
        base = bench.disk(f"base-{name}", 256 * KIB, 0x11)
        top = bench.overlay(f"top-{name}", 256 * KIB, backing=base.name)
        guest = bench.guest(top)
        if name == "commit":
            guest.write(0, 256 * KIB, 0x22)
        base.hold(held)
        bench.execute(f"block-{name}", job_id="job0", device=top)
        base.wait_held()
        for job_type in (name, "mirror"):
            bench.execute("block-job-change", {"id": "job0", "type": job_type, "copy-mode": "write-blocking"})
        bench.execute("block-job-change", {"id": "job0", "type": "mirror"})
        show_state(bench)
        base.let_everything_pass()
        if name == "commit":
            bench.wait_event("BLOCK_JOB_READY")
            bench.execute("job-cancel", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
