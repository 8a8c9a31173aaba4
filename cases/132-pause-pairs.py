"""132-pause-pairs: each command that pauses goes with each that resumes, and nothing moves in between.

The copy goes on one granule for each pair while running; while ready the pairs lead to standby and back. The verbs
for later states are refused all along.

Groups: job quick
Source: 219-1, 219-2, 219-3, QE-07, QE-08, TP-06, TP-46, 041-B-pause, 041-F-pause
"""

from harness.bench import Bench
from harness.job_course import GRANULE, VERB_COMMANDS, show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 321 * KIB, 0x11)
    target = bench.disk("target", 321 * KIB)
    source.hold("read")
    bench.mirror(source, target, buf_size=GRANULE)
    for pause, pause_arguments in VERB_COMMANDS["pause"]:
        for resume, resume_arguments in VERB_COMMANDS["resume"]:
            (read,) = source.wait_held()
            bench.execute(pause, pause_arguments)
            source.release(read)
            show_state(bench)
            refuse(bench, "complete", "finalize", "dismiss")
            bench.execute(resume, resume_arguments)
            show_state(bench)
    source.let_everything_pass()
    bench.wait_event("BLOCK_JOB_READY")
    for pause, pause_arguments in VERB_COMMANDS["pause"]:
        for resume, resume_arguments in VERB_COMMANDS["resume"]:
            bench.execute(pause, pause_arguments)
            bench.wait_event("JOB_STATUS_CHANGE", status="standby")
            show_state(bench)
            refuse(bench, "finalize", "dismiss")
            bench.execute(resume, resume_arguments)
            show_state(bench)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
    bench.say(f"jobs left: {bench.query('query-jobs')}")


def refuse(bench: Bench, *verbs: str) -> None:
    """Say verbs that the state does not allow."""
    for verb in verbs:
        for command, arguments in VERB_COMMANDS[verb]:
            bench.execute(command, arguments)
