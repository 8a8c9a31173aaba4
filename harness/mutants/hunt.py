"""Looks for one mutant with the explorer and with single faults, and counts what it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness import case_run
from harness.cases import Case
from harness.errors import MirrorcheckError
from harness.explore.explorer import explore
from harness.explore.report import Budget, Finding
from harness.explore.runner import Opener
from harness.explore.scenario import Scenario
from harness.explore.scenarios import SCENARIOS
from harness.explore.strategies import Bounded, Pct, Strategy
from harness.faults.fault import Fault, middle_of_each
from harness.faults.fault import parse as parse_fault
from harness.faults.sweep import Sweep
from harness.implementations import Implementation
from harness.mutants.known import Known

SCHEDULES_MAX = 100_000
"""No mutant may need more schedules than this."""

GLANCE = ((0, 0, 200),)
"""For a mutant that is caught by other means: all schedules without preemption. (bound, seed, schedules at most)."""

SEARCH = (*GLANCE, (1, 0, 500), (-1, 1, 1000), (2, 0, 1500), (-1, 2, 4000))
"""For one that must be found: ever deeper; a bound of -1 is PCT of depth 3, which goes deeper at random."""

SWEPT = ("344-flush", "332-convergence")
"""Short cases whose faults are tried: together they have every operation of both disks."""

SWEPT_EVERY = 3
"""Has no factor in common with the numbers of policies and endings, so that each of them has its turn."""


@dataclass(frozen=True, slots=True)
class Caught:
    """How the explorer caught a mutant.

    :ivar by: the scenario. :ivar schedules: how many had been run, over all scenarios before it too.
    :ivar finding: as it was found, not shrunk. :ivar bound: of preemptions; -1 for PCT.
    """

    by: str
    bound: int
    schedules: int
    finding: Finding


def strategy_of(bound: int, seed: int = 1) -> Strategy:
    """The strategy that a bound stands for; see `GLANCE`."""
    return Bounded(bound) if bound >= 0 else Pct(3, seed)


def hunt(
    opener: Opener,
    passes: Sequence[tuple[int, int, int]] = SEARCH,
    known: Known | None = None,
    schedules_max: int = SCHEDULES_MAX,
) -> tuple[Caught | None, int]:
    """Explore scenario after scenario, ever deeper, until one fails, what is known first.

    :return: (None when none does, how many schedules were run).
    """
    spent = 0
    for scenario, bound, seed, limit in _attempts(passes, known):
        if spent >= schedules_max:
            break
        strategy = strategy_of(bound, seed)
        budget = Budget(schedules=min(limit, schedules_max - spent))
        report = explore(opener, scenario, strategy, budget, counts_classes=False)
        spent += report.schedules
        if report.is_interrupted:
            raise KeyboardInterrupt
        if report.findings:
            return Caught(scenario.name, bound, spent, report.findings[0]), spent
    return None, spent


def _attempts(passes: Sequence[tuple[int, int, int]], known: Known | None) -> Iterator[tuple[Scenario, int, int, int]]:
    if known is not None and known.scenario in SCENARIOS:
        yield SCENARIOS[known.scenario], known.preemptions, 1, known.schedules
    for bound, seed, limit in passes:
        for scenario in SCENARIOS.values():
            yield scenario, bound, seed, limit


def sweep(implementation: Implementation, cases: Sequence[Case], known: Known | None = None) -> tuple[str | None, int]:
    """Try a stated sample of the single faults of the swept cases until one shows something, what is known first.

    :param cases: those of the suite. :return: (the case and the fault, None when none does; how many were tried).
    """
    by_id = {case.id: case for case in cases}
    tried = 0
    for case_id, fault in _faults(implementation, by_id, known):
        tried += 1
        if fault_shows(implementation, by_id[case_id], fault):
            return f"{case_id} {fault.describe()}", tried
    return None, tried


def _faults(implementation: Implementation, by_id: dict[str, Case], known: Known | None) -> Iterator[tuple[str, Fault]]:
    if known is not None and known.fault:
        case_id, text = known.fault.split()
        if case_id in by_id:
            yield case_id, parse_fault(text)
    for case_id in SWEPT:
        if case_id not in by_id:
            continue
        found = Sweep(case_run.load(by_id[case_id]), implementation, every=SWEPT_EVERY, sample=middle_of_each)
        try:
            found.count()
        except Exception:
            continue  # it fails without any fault: that is the cases' column, and there is nothing to sweep
        for fault in found.faults():
            yield case_id, fault


def fault_shows(implementation: Implementation, case: Case, fault: Fault) -> bool:
    """Whether something is wrong after a fault that is not wrong without it."""
    try:
        return bool(Sweep(case_run.load(case), implementation).try_one(fault).problems)
    except MirrorcheckError:
        return False  # before the fault: not a matter of it
