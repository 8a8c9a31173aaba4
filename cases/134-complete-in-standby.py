"""134-complete-in-standby: completing a paused job is accepted, and waits until the job is resumed.

Groups: job quick
Source: QS-13, BF-10, C40
"""

from harness.bench import Bench
from harness.job_course import VERB_COMMANDS, reach, show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 256 * KIB, 0x11)
    target = bench.disk("target", 256 * KIB)
    for complete, complete_arguments in VERB_COMMANDS["complete"]:
        reach(bench, "standby", source, target)
        bench.execute(complete, complete_arguments)
        show_state(bench)
        bench.execute("job-resume", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
