"""100-verbs-refused: a verb that a state does not allow is refused with its own words, and the job is as it was.

In each of the six states in which a job can be met, every verb is said that the state does not take, with every command
that says it. A pause of what is paused, and a resume of what is not, have words of their own; the latter before the
table of verbs is asked.

Groups: job qmp quick
Source: QV-1, QV-2, QV-3, QV-4, QV-5, QV-6, QV-7, QS-03, QS-04, QS-05
"""

from typing import Any

from harness import filters
from harness.bench import Bench
from harness.job_course import ALLOWED_IN, LASTING_STATES, VERB_COMMANDS, leave, reach, show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 256 * KIB, 0x11)
    target = bench.disk("target", 256 * KIB)
    for state in LASTING_STATES:
        bench.note(f"state {state}")
        reach(bench, state, source, target)
        show_state(bench)
        before = everything(bench)
        for verb, commands in VERB_COMMANDS.items():
            if state in ALLOWED_IN[verb] or verb == "change":
                continue
            for command, arguments in commands:
                bench.execute(command, arguments)
        show_state(bench)
        bench.say(f"job, nodes and bitmaps are as they were: {everything(bench) == before}")
        leave(bench, source)


def everything(bench: Bench) -> tuple[Any, ...]:
    """All that the queries say, but for whether the job sleeps at this moment."""
    nodes = sorted(bench.query("query-named-block-nodes"), key=lambda node: str(node["node-name"]))
    return filters.block_job_info(bench.job()), bench.query("query-jobs"), nodes
