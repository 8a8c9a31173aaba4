"""Looks for one mutant with the explorer and with single faults, and counts the schedules that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.explore.explorer import explore
from harness.explore.report import Budget, Finding
from harness.explore.runner import Opener
from harness.explore.scenario import Fault, Scenario
from harness.explore.scenarios import SCENARIOS
from harness.explore.strategies import Bounded, Pct, Strategy

SCHEDULES_MAX = 100_000
"""No mutant may need more schedules than this."""

SWEPT = ("one-writer", "background-writer", "unaligned-writer")


@dataclass(frozen=True, slots=True)
class Caught:
    """How a mutant was caught.

    :ivar by: the scenario. :ivar schedules: how many had been run, over all scenarios before it too.
    """

    by: str
    strategy: str
    schedules: int
    finding: Finding


def hunt(
    opener: Opener, scenarios: Sequence[Scenario] | None = None, schedules_max: int = SCHEDULES_MAX
) -> Caught | None:
    """Explore scenario after scenario, ever deeper, until one fails; None when none does.

    First all without preemption and with one, at most 500 of each; then PCT, which goes deeper at random; twice.
    """
    chosen = list(SCENARIOS.values()) if scenarios is None else list(scenarios)
    spent = 0
    for bound, seed, limit in ((0, 0, 200), (1, 0, 500), (-1, 1, 1000), (2, 0, 1500), (-1, 2, 4000)):
        for scenario in chosen:
            if spent >= schedules_max:
                return None
            strategy: Strategy = Bounded(bound) if bound >= 0 else Pct(3, seed)
            budget = Budget(schedules=min(limit, schedules_max - spent))
            report = explore(opener, scenario, strategy, budget, counts_classes=False)
            spent += report.schedules
            if report.findings:
                return Caught(scenario.name, strategy.name, spent, report.findings[0])
            if report.is_interrupted:
                raise KeyboardInterrupt
    return None


def sweep(opener: Opener) -> Caught | None:
    """Let each write to the target fail in turn, on the schedules without preemption, where errors are ignored."""
    spent = 0
    for name in SWEPT:
        scenario = SCENARIOS[name]
        setup = tuple(
            replace(action, arguments={**action.arguments, "on-target-error": "ignore"}) for action in scenario.setup
        )
        failing = replace(scenario, setup=setup, faults=(Fault("target", "write"),))
        report = explore(opener, failing, Bounded(0), counts_classes=False)
        spent += report.schedules
        if report.findings:
            return Caught(name, "one fault", spent, report.findings[0])
    return None
