"""116-zero-length: a disk of no bytes is ready at once, and its job has a life like any other.

It waits to be completed, can be paused, cancelled softly or by force, finalized and dismissed; all numbers stay 0.

Groups: job quick
Source: QA-18, 041-D-complete, 041-D-cancel, 041-D-cancel_after_ready, 041-D-pause, 041-D-small_buffer, GAP-12
"""

from harness.bench import Bench
from harness.job_course import VERB_COMMANDS, leave, show_state


def run(bench: Bench) -> None:
    source = bench.disk("source", 0)
    target = bench.disk("target", 0)
    for copy_mode in ("background", "write-blocking"):
        for sync in ("full", "top", "none"):
            bench.mirror(source, target, sync=sync, copy_mode=copy_mode, buf_size=4096)
            bench.wait_event("BLOCK_JOB_READY")
            bench.execute("job-pause", id="job0")
            show_state(bench)
            bench.execute("job-resume", id="job0")
            show_state(bench)
            bench.execute("job-complete", id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="null")
    for command, arguments in VERB_COMMANDS["cancel"]:
        bench.mirror(source, target, auto_dismiss=False)
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute(command, arguments)
        bench.wait_event("JOB_STATUS_CHANGE", status="concluded")
        show_state(bench)
        leave(bench, source)
    bench.compare(source, target)
