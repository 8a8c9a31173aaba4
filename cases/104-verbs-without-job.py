"""104-verbs-without-job: a verb for a job that there is not, has never been or is no more, in two families of words.

The block-job commands answer with a class of their own. That the arguments are wrong is found first.

Groups: job qmp quick
Source: QS-01, QS-02, QV-1, QV-2, QV-3, QV-4, QV-5, QV-6, QV-7, UJ-2
"""

from harness.bench import Bench
from harness.job_course import VERB_COMMANDS, leave, reach
from harness.units import KIB


def run(bench: Bench) -> None:
    say_all(bench)
    bench.note("a job that was there")
    source = bench.disk("source", 64 * KIB, 0x11)
    target = bench.disk("target", 64 * KIB)
    reach(bench, "ready", source, target)
    leave(bench, source)
    say_all(bench)
    bench.note("wrong arguments first")
    for commands in VERB_COMMANDS.values():
        for command, arguments in commands:
            if command == "block-job-change":
                continue
            bench.execute(command)
            first, *_ = arguments
            bench.execute(command, {name: value for name, value in arguments.items() if name != first})
            bench.execute(command, arguments | {first: 1})
            bench.execute(command, arguments | {first: None})
            bench.execute(command, arguments | {"bogus": 1})
    for value in ("x", 1.5, True, None, 2**63):
        bench.execute("block-job-set-speed", device="job0", speed=value)
    for value in (1, "true", None):
        bench.execute("block-job-cancel", device="job0", force=value)


def say_all(bench: Bench) -> None:
    """Every command of every verb."""
    for verb, commands in VERB_COMMANDS.items():
        if verb != "change":
            for command, arguments in commands:
                bench.execute(command, arguments)
