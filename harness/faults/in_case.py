"""Faults and crashes within a numbered case: what came of them is the transcript, every violation a line of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.bench import Bench
from harness.errors import CaseError
from harness.faults.crash import crashes
from harness.faults.fault import Ending, middle_of_each
from harness.faults.sweep import Sweep
from harness.implementations import Implementation

STATES_WITHOUT_LOSS = 3
"""The disks as they are, and each of the two after a power cut that has nothing to take."""


def sweep_in_case(bench: Bench, life: Callable[[Bench], None]) -> None:
    """Try one fault at a request of each kind of a short life of a mirror, heal it, and print who noticed.

    How many requests there are of a kind may differ from program to program; the table has what became of them.
    """
    table = Sweep(life, _implementation(bench), endings=[Ending.HEAL], sample=middle_of_each).table()
    for line in table.lines(with_counts=False):
        bench.say(line)
    _say_violations(bench, [f"{fault.describe()}: {problem}" for fault, problem in table.violations])


def crash_in_case(bench: Bench, life: Callable[[Bench], None]) -> None:
    """Kill a short life of a mirror at each of its requests, and print what the disks must not be like then.

    :param life: makes its source with `write_back`, or a power cut takes nothing.
    """
    problems = []
    was_lossy = False
    for crash in crashes(life, _implementation(bench)):
        problems += [f"killed at request {crash.after_requests}: {problem}" for problem in crash.problems]
        was_lossy = was_lossy or crash.states > STATES_WITHOUT_LOSS
    bench.say("killed at every request")
    bench.say(f"power cuts that took something: {'yes' if was_lossy else 'no'}")
    _say_violations(bench, problems)


def _implementation(bench: Bench) -> Implementation:
    if bench.implementation is None:
        raise CaseError("only an implementation that can be opened anew can be swept or killed")
    return bench.implementation


def _say_violations(bench: Bench, violations: Sequence[str]) -> None:
    for violation in violations:
        bench.say(violation)
    bench.say("violations: none" if not violations else f"violations: {len(violations)}")
