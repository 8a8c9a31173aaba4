"""112-finalize-dismiss: a job ends by itself, or waits to be finalized, to be dismissed, or for both.

The four combinations of auto-finalize and auto-dismiss. A job that waits to be finalized has not put anything in place;
one that waits to be dismissed has.

Groups: job quick
Source: QE-05, QE-06, QV-6, QV-7, QA-13, QA-14, TP-26, TP-27, TP-28, TP-29, GAP-11
"""

from harness.bench import Bench
from harness.job_course import show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 256 * KIB, 0x11)
    for finalize in (True, False):
        for dismiss in (True, False):
            target = bench.disk(f"target-{finalize}-{dismiss}".lower(), 256 * KIB)
            bench.mirror(source, target, auto_finalize=finalize, auto_dismiss=dismiss)
            bench.wait_event("BLOCK_JOB_READY")
            bench.execute("job-complete", id="job0")
            if not finalize:
                bench.wait_event("BLOCK_JOB_PENDING")
                show_state(bench)
                bench.execute("job-finalize", id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="concluded")
            if not dismiss:
                show_state(bench)
                bench.execute("job-dismiss", id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="null")
            show_state(bench)
            bench.require_equal(source, target)
            bench.execute("blockdev-del", node_name=target.name)
