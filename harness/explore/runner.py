"""Runs one schedule of a scenario: a strategy chooses, the checks look, and what came of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.explore.checks import Checks
from harness.explore.classes import class_of
from harness.explore.decision import Decision
from harness.explore.failure import Failure
from harness.explore.scenario import Scenario
from harness.explore.world import World
from harness.implementations.base import Session

Opener = Callable[[], Session]
"""Makes a fresh session of the implementation that is explored."""

Chooser = Callable[[World, list[Decision]], int]
"""Chooses one of the decisions by its position."""


class Abandoned(Exception):
    """A strategy does not want to know how this schedule goes on."""


@dataclass(slots=True)
class Run:
    """One schedule and what came of it.

    :ivar trace: its decisions. :ivar failure: what was wrong with it, if anything was.
    :ivar outcome: what an outsider saw; None when it failed.
    """

    trace: list[Decision]
    failure: Failure | None
    outcome: tuple[Any, ...] | None

    @property
    def steps(self) -> list[str]:
        """The labels of its decisions."""
        return [decision.label for decision in self.trace]

    @property
    def length(self) -> int:
        """How many decisions it has."""
        return len(self.trace)

    def class_name(self) -> int:
        """Which class of equivalent schedules it belongs to."""
        return class_of(self.trace)


def run_schedule(
    opener: Opener,
    scenario: Scenario,
    choose: Chooser,
    *,
    coarse: bool = False,
    observe: Callable[[World, Decision], None] | None = None,
) -> Run:
    """Run a scenario to its end, or to its first failure.

    :param observe: called after each step, before the checks.
    """
    session = opener()
    trace: list[Decision] = []
    world: World | None = None
    try:
        world = World(session, scenario, coarse=coarse)
        checks = Checks(world)
        while True:
            decisions = world.decisions()
            if world.is_finished() or (not decisions and not world.let_time_pass()):
                break
            if not decisions:
                continue
            decision = decisions[choose(world, decisions)]
            trace.append(decision)
            world.take(decision)
            if observe is not None:
                observe(world, decision)
            checks.after_step()
        if not world.is_finished():
            raise checks.nothing_can_happen()
        checks.at_end()
    except Failure as failure:
        return Run(trace, failure, None)
    finally:
        session.close()
    return Run(trace, None, world.outcome())
