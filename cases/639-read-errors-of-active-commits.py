"""639-read-errors-of-active-commits: what cannot be read of the active layer is met by the commit's policy.

A commit that ignores the error or is resumed reads again, and is READY when everything is below.

Groups: commit errors quick
Needs: block-commit blockdev-reopen driver=qcow2
Source: 040-EH-ActiveReadErrorReport, 040-EH-ActiveReadErrorStop, 040-EH-ActiveReadErrorIgnore
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    for policy in ("report", "stop", "ignore"):
        bench.note(policy)
        base = bench.overlay(f"base-{policy}", 1 * MIB)
        bench.guest(base).write(0, 1 * MIB, 0x11)
        bench.close_guest(base)
        top = bench.overlay(f"top-{policy}", 1 * MIB, backing=base)
        guest = bench.guest(top)
        guest.write(0, 512 * KIB, 0x22)
        # The reads of the image's own tables come before the data are read.
        bench.disk_named(f"{top}-file").fail("read", offset=128 * KIB, length=1 * MIB)
        bench.execute("block-commit", job_id="job0", device=top, on_error=policy)
        bench.wait_event("BLOCK_JOB_ERROR")
        if policy == "stop":
            bench.wait_event("JOB_STATUS_CHANGE", status="paused")
            bench.show_job()
            bench.execute("job-resume", id="job0")
        if policy != "report":
            bench.wait_event("BLOCK_JOB_READY")
            bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.show_chain(top)
        guest.read(0, 1 * MIB)
