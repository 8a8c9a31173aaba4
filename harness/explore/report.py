"""What an exploration has come to: counts, outcomes, findings."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from harness.explore.failure import Failure
from harness.explore.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When to stop; checked before every schedule. None is no limit.

    :ivar seconds: of real time. :ivar schedules, states: how many, at most; a state is what a step leads to.
    """

    seconds: float | None = None
    schedules: int | None = None
    states: int | None = None


@dataclass(slots=True)
class Finding:
    """A schedule that failed.

    :ivar strategy: how it was found. :ivar schedules: how many had been run, this one included.
    """

    scenario: Scenario
    steps: list[str]
    failure: Failure
    strategy: str
    schedules: int
    coarse: bool = False


@dataclass(slots=True)
class Report:
    """The account of one exploration.

    :ivar schedules: how many were run to their end (or failure). :ivar steps: decisions taken in all of them.
    :ivar steps_run: how many of them the implementation really took, where it had come to `states` different states.
    :ivar by_bound: how many schedules there were with exactly so many preemptions.
    :ivar outcomes: how often each was seen. :ivar classes: how often each equivalence class of schedules was seen.
    :ivar known: how often a real program failed as it is known to, by reason.
    :ivar allowed: how many schedules a real program lawfully ran in another way than the model, by reason.
    :ivar left: schedules known and not run, at least; 0 when the strategy has seen all that it was asked for.
    """

    scenario: Scenario
    strategy: str = ""
    schedules: int = 0
    steps: int = 0
    redundant: int = 0
    by_bound: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    classes: Counter[int] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    known: Counter[str] = field(default_factory=Counter)
    allowed: Counter[str] = field(default_factory=Counter)
    left: int = 0
    is_exhausted: bool = False
    is_interrupted: bool = False
    steps_max: int = 0
    steps_run: int = 0
    states: int = 0
    started_s: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def has_budget(self, budget: Budget) -> bool:
        """Whether another schedule may be run."""
        self.seconds = time.monotonic() - self.started_s
        if budget.seconds is not None and self.seconds >= budget.seconds:
            return False
        if budget.schedules is not None and self.schedules >= budget.schedules:
            return False
        return budget.states is None or self.steps < budget.states

    def estimated_classes(self) -> int:
        """How many equivalence classes there are, seen or not: Chao's lower bound from those seen once and twice."""
        seen = len(self.classes)
        once = sum(1 for count in self.classes.values() if count == 1)
        twice = sum(1 for count in self.classes.values() if count == 2)
        return seen + once * (once - 1) // (2 * (twice + 1))

    def lines(self) -> list[str]:
        """What does not depend on time."""
        lines = []
        for bound, count in sorted(self.by_bound.items()):
            lines.append(f"{bound} preemption{'' if bound == 1 else 's'}: {count} schedules")
        lines.append(f"{self.schedules} schedules, {self.steps} steps, at most {self.steps_max} in one")
        if self.redundant:
            lines.append(f"{self.redundant} were given up: equivalent to one that had been run")
        if self.classes or not self.schedules:
            seen, estimated = len(self.classes), self.estimated_classes()
            lines.append(
                f"{seen} classes of equivalent schedules" + ("" if self.is_exhausted else f" of about {estimated}")
            )
        lines.append(f"{len(self.outcomes)} outcomes")
        if self.is_exhausted:
            lines.append("nothing is left")
        elif self.left:
            lines.append(f"at least {self.left} schedules are left")
        lines += [f"{count} went another way: {reason}" for reason, count in sorted(self.allowed.items())]
        lines += [f"known, {count} times: {reason}" for reason, count in sorted(self.known.items())]
        lines += [f"finding: {finding.failure}" for finding in self.findings]
        return lines
