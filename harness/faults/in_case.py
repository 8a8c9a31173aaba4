"""Sweeping within a numbered case: the table is the transcript, and every violation is a line of it."""

from __future__ import annotations

from collections.abc import Callable

from harness.bench import Bench
from harness.errors import CaseError
from harness.faults.fault import Ending, middle_of_each
from harness.faults.sweep import Sweep


def sweep_in_case(bench: Bench, life: Callable[[Bench], None]) -> None:
    """Try one fault at a request of each kind of a short life of a mirror, heal it, and print who noticed.

    How many requests there are of a kind may differ from program to program; the table has what became of them.
    """
    if bench.implementation is None:
        raise CaseError("only an implementation that can be opened anew can be swept")
    sweep = Sweep(life, bench.implementation, endings=[Ending.HEAL], sample=middle_of_each)
    table = sweep.table()
    for line in table.lines(with_counts=False):
        bench.say(line)
    for fault, problem in table.violations:
        bench.say(f"{fault.describe()}: {problem}")
    bench.say("violations: none" if not table.violations else f"violations: {len(table.violations)}")
