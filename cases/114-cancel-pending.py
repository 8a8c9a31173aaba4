"""114-cancel-pending: a job that waits to be finalized can still be cancelled, softly or not; it then says that it was.

What it says stays to be read until the job is dismissed, and such a job cannot be finalized any more.

Groups: job quick
Source: QS-12, QS-14, UJ-7, UJ-8
"""

from harness import filters
from harness.bench import Bench
from harness.job_course import VERB_COMMANDS, reach
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 256 * KIB, 0x11)
    target = bench.disk("target", 256 * KIB)
    for command, arguments in VERB_COMMANDS["cancel"]:
        reach(bench, "pending", source, target, auto_dismiss=False)
        bench.execute(command, arguments)
        bench.say(f"query-jobs {filters.canonical(bench.query('query-jobs'))}")
        bench.show_job()
        for verb in ("finalize", "cancel"):
            for refused, refused_arguments in VERB_COMMANDS[verb]:
                bench.execute(refused, refused_arguments)
        bench.execute("job-dismiss", id="job0")
        bench.require_equal(source, target)
