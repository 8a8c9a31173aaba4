"""Repeats a schedule on a program of which only the outside is seen, and tells where it goes another way.

The program's timers fire by themselves, and its flushes are done at once. Everything else happens when the schedule
says so; until the next step is offered, time passes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from harness.explore.decision import Decision
from harness.explore.occurrences import Occurrences, ScriptStep, unanswered_commands
from harness.explore.runner import Opener, Run, run_schedule
from harness.explore.scenario import Scenario
from harness.explore.world import World

WAITS_MAX = 15
"""So often, at most 20 ms each, is waited for what should be offered: a job with nothing to do sleeps for 100 ms."""

QUICK_S = 0.08
"""A run that takes no longer between two waits cannot have met a timer that a job set after the first of them."""


class Follower:
    """A chooser that follows a script.

    :ivar matched: how many steps were taken as written before the first difference.
    :ivar difference: what was expected and what there was instead, empty as long as there is none.
    :ivar was_blocked: whether a command was without an answer when the model had answered it: the program's main loop
        waits in a drained section, and then it answers nobody.
    :ivar was_slow: whether a timer may have fired when nobody waited for it, since the machine is slow.
    """

    def __init__(self, script: Sequence[ScriptStep]) -> None:
        self._script = script
        self._occurrences = Occurrences()
        self._position = 0
        self.matched = 0
        self.difference = ""
        self.was_blocked = False
        self.was_slow = False
        self._began_s = time.monotonic()

    def choose(self, world: World, decisions: list[Decision]) -> int:
        """The decision that comes next in the script; after a difference the next of the rest that is offered."""
        names = self._wait_for_next(world, decisions)
        if self._position < len(self._script):
            answered = self._script[self._position].unanswered
            if answered is not None and set(unanswered_commands(world)) - set(answered):
                self.was_blocked = True
        for position in range(self._position, len(self._script)):
            if self._script[position].name in names:
                if position > self._position:
                    self._differs(decisions)
                self._position = position + 1
                if not self.difference:
                    self.matched += 1
                return names.index(self._script[position].name)
        if self._position < len(self._script):
            self._differs(decisions)
        elif not self.difference:
            offered = ", ".join(f"'{decision.label}'" for decision in decisions)
            self.difference = f"expected the end, offered were {offered}"
        return 0

    def _wait_for_next(self, world: World, decisions: list[Decision]) -> list[str]:
        """Let time pass until the next step is offered and, if time has passed on the model, all that was there."""
        names = self._occurrences.names(decisions)
        if self.difference or self._position >= len(self._script):
            return names
        expected = self._script[self._position]
        wanted = {expected.name} | (expected.offered if expected.after_time else frozenset())
        waits = 0
        while not wanted <= set(names) and (waits < WAITS_MAX or (expected.after_time and expected.name not in names)):
            if not world.let_time_pass():
                break
            waits += 1
            decisions[:] = world.decisions()
            names = self._occurrences.names(decisions)
        now_s = time.monotonic()
        if waits:
            self._began_s = now_s  # what was waited for has just come, and every timer has been set since
        elif now_s - self._began_s > QUICK_S:
            self.was_slow = True
        return names

    def _differs(self, decisions: list[Decision]) -> None:
        if not self.difference:
            offered = ", ".join(f"'{decision.label}'" for decision in decisions) or "nothing"
            self.difference = f"expected '{self._script[self._position].label}', offered were {offered}"

    def end(self) -> None:
        """Take note that the scenario is over."""
        if not self.difference and self._position < len(self._script):
            self.difference = f"the scenario ended before '{self._script[self._position].label}'"

    def summary(self) -> str:
        """How far the schedule was followed, in one line."""
        text = f"matched {self.matched} of {len(self._script)} steps"
        return f"{text}, first difference: {self.difference}" if self.difference else text


def follow(
    opener: Opener,
    scenario: Scenario,
    script: Sequence[ScriptStep],
    *,
    observe: Callable[[World, Decision], None] | None = None,
) -> tuple[Run, Follower]:
    """Run a scenario along a script, to its end or its first failure."""
    follower = Follower(script)
    run = run_schedule(opener, scenario, follower.choose, coarse=True, observe=observe)
    if run.failure is None:
        follower.end()
    return run, follower
