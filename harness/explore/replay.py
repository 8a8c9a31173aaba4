"""Repeats a schedule: at each step the decision that is called the same.

Where none is, the replay has come to its first difference. It can go on from there: steps that are not offered are left
out, and when none of the rest is offered the oldest decision is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.explore.decision import Decision
from harness.explore.runner import Opener, Run, run_schedule
from harness.explore.scenario import Scenario
from harness.explore.world import World


class Replay:
    """A chooser that follows a list of steps.

    :ivar matched: how many steps were taken as written before the first difference.
    :ivar difference: what was expected and what there was instead, empty as long as there is none.
    """

    def __init__(self, steps: Sequence[str]) -> None:
        self._steps = list(steps)
        self._position = 0
        self.matched = 0
        self.difference = ""

    def choose(self, world: World, decisions: list[Decision]) -> int:
        """The decision that comes next in the schedule, as far as there is one."""
        labels = [decision.label for decision in decisions]
        for position in range(self._position, len(self._steps)):
            step = self._steps[position]
            if step in labels:
                if position > self._position:
                    self._differs(labels)
                self._position = position + 1
                if not self.difference:
                    self.matched += 1
                return labels.index(step)
        if self._position < len(self._steps):
            self._differs(labels)
        return 0

    def _differs(self, labels: list[str]) -> None:
        if not self.difference:
            offered = ", ".join(f"'{label}'" for label in labels)
            self.difference = f"expected '{self._steps[self._position]}', offered were {offered}"

    def rest(self) -> list[str]:
        """The steps that have not been taken."""
        return self._steps[self._position :]

    def summary(self) -> str:
        """How far the schedule was followed, in one line."""
        text = f"matched {self.matched} of {len(self._steps)} steps"
        return f"{text}, first difference: {self.difference}" if self.difference else text


def replay(
    opener: Opener,
    scenario: Scenario,
    steps: Sequence[str],
    *,
    coarse: bool = False,
    observe: Callable[[World, Decision], None] | None = None,
) -> tuple[Run, Replay]:
    """Run a scenario along a schedule, to its end or its first failure."""
    follower = Replay(steps)
    run = run_schedule(opener, scenario, follower.choose, coarse=coarse, observe=observe)
    rest = follower.rest()
    if run.failure is None and not follower.difference and rest:
        follower.difference = f"the scenario ended before '{rest[0]}'"
    return run, follower
