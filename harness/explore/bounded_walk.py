"""All schedules with at most so many preemptions, over states that are recalled.

What `harness.explore.strategies.Bounded` does one chooser at a time is done here on the states themselves: a schedule
branches off an earlier one in some state, and only what is behind that is gone through. Order and counts are the same;
where most states are known a schedule costs some microseconds instead of some hundred.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from harness.explore.classes import EMPTY_FORM, Form, extended
from harness.explore.decision import Decision
from harness.explore.failure import Failure
from harness.explore.recall import Live, Recall, State
from harness.explore.report import Report
from harness.explore.strategies import default_and_others

Link = tuple[Any, Decision, int]
"""A step of a schedule: the link of the step before it (None at the beginning), its decision, and its position."""

_Branch = tuple[Link | None, int, Form, State, int]
"""How a schedule begins: its steps, how many there are, their form, the state, and how it leaves that."""


def _steps_of(link: Link | None) -> Iterator[tuple[Decision, int]]:
    """The decisions with their positions, first one first."""
    steps = []
    while link is not None:
        link, decision, index = link
        steps.append((decision, index))
    return reversed(steps)


class WalkedRun:
    """One schedule and what came of it, as `harness.explore.runner.Run`; its steps are listed only for who asks.

    :ivar length: how many decisions it has.
    """

    __slots__ = ("_form", "_link", "failure", "length", "outcome")

    def __init__(
        self, link: Link | None, length: int, form: Form, failure: Failure | None, outcome: tuple[Any, ...] | None
    ) -> None:
        self.length = length
        self.failure = failure
        self.outcome = outcome
        self._link = link
        self._form = form

    @property
    def steps(self) -> list[str]:
        """The labels of its decisions."""
        return [decision.label for decision, _ in _steps_of(self._link)]

    def class_name(self) -> int:
        """Which class of equivalent schedules it belongs to."""
        return self._form[-1]


class BoundedWalk:
    """Goes through the schedules of one scenario, fewest preemptions first."""

    def __init__(self, recall: Recall, bound: int) -> None:
        self._recall = recall
        self._pending: list[list[_Branch | None]] = [[] for _ in range(bound + 1)]
        self._pending[0].append(None)

    def schedules(self, report: Report) -> Iterator[Callable[[], WalkedRun]]:
        """Each schedule, to be run at once; ends when there is nothing left."""
        for cost, bucket in enumerate(self._pending):
            while bucket:
                branch = bucket.pop()
                report.left = sum(map(len, self._pending))
                yield partial(self._run, branch, cost)
                report.by_bound[cost] += 1
        report.left = 0
        report.is_exhausted = True

    def _run(self, branch: _Branch | None, cost: int) -> WalkedRun:
        recall, pending = self._recall, self._pending
        room = len(pending) - cost  # a decision that costs as much as this, or more, is beyond the bound
        link: Link | None = None
        length, form, last_actor = 0, EMPTY_FORM, ""
        live: Live | None = None
        try:
            state, live = recall.begin()
            index = -1
            if branch is not None:
                link, length, form, state, index = branch
            while state.offered:
                offered = state.offered
                if index >= 0:
                    pass  # that is how it branches off
                elif len(offered) == 1:
                    index = 0
                else:
                    index, others = default_and_others(offered, last_actor)
                    for other, more in others:
                        if more < room:
                            pending[cost + more].append((link, length, form, state, other))
                decision = offered[index]
                following = state.following[index]
                if following is None or live is not None:
                    following, live = recall.follow(state, index, live, _steps_of(link))
                link = (link, decision, index)
                length += 1
                form = extended(form, decision)
                last_actor = decision.actor
                state, index = following, -1
        except Failure as failure:
            return WalkedRun(link, length, form, failure, None)
        finally:
            if live is not None:
                live.session.close()
        return WalkedRun(link, length, form, state.failure, state.outcome)
