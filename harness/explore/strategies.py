"""In which order schedules are tried.

* `Bounded`: all schedules with no preemption, then all with one, and so on; so the first that fails is nearly minimal.
  A *preemption* is to let somebody else go on although the one who went last could.
* `Everything`: all schedules, less those that differ only in the order of steps that have nothing to do with each other
  (sleep sets). Not to be combined with a bound: the order that is left out may be the one with fewer preemptions.
* `Pct`: priorities and a few places where they change (PCT); a bug that needs `depth` ordered events is found with a
  probability of at least 1 / (actors * steps ** (depth - 1)).
* `Uniform`: any decision, all alike.

A strategy yields choosers, one for each schedule, and is told what came of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Protocol

from harness.explore.decision import Decision, Footprint, Offered, independent
from harness.explore.failure import Failure, FailureKind
from harness.explore.report import Report
from harness.explore.runner import Abandoned, Chooser, Run
from harness.explore.world import World

FAULT_PROBABILITY = 0.15
TIMER_PROBABILITY = 0.02
"""How likely the sampling strategies let time pass although something else could happen."""

UNTIMELY_TIMERS_MAX = 1
"""How often `Everything` lets time pass in a schedule although something else could happen."""


class Strategy(Protocol):
    """An order of schedules.

    :ivar is_blind: whether it looks at nothing but what is offered, so that its schedules may be recalled.
    """

    name: str
    is_blind: bool

    def choosers(self, report: Report) -> Iterator[Chooser]:
        """One for each schedule; ends when there is nothing left."""

    def ran(self, run: Run, report: Report) -> None:
        """Take note of what came of the last one."""


def costs(decisions: list[Decision], last_actor: str) -> tuple[int, list[int]]:
    """(position of the default, how many preemptions each decision costs).

    Whoever went last goes on, with the oldest thing that it can do. If it cannot, the choice is free between the oldest
    of each. That a request fails costs what its completion costs. To let time pass costs one if anything else
    can happen.
    """
    default = -1
    for index, decision in enumerate(decisions):
        if decision.actor == last_actor and not decision.takes_time and not decision.is_fault:
            default = index
            break
    by_index: list[int] = []
    free_requests: set[int] = set()
    seen: set[str] = set()
    continues = default >= 0
    for index, decision in enumerate(decisions):
        if decision.is_fault:
            by_index.append(0 if decision.serial in free_requests else 1)
            continue
        if decision.takes_time:
            cost = 1 if len(by_index) else 0
        elif continues:
            cost = 0 if index == default else 1
        else:
            cost = 1 if decision.actor in seen else 0
            seen.add(decision.actor)
        by_index.append(cost)
        if not cost and decision.serial >= 0:
            free_requests.add(decision.serial)
    return max(default, 0), by_index


def default_and_others(offered: list[Decision], last_actor: str) -> tuple[int, list[tuple[int, int]]]:
    """(position of the default, position and cost of each other decision); noted with what is remembered."""
    known = offered.costs.get(last_actor) if isinstance(offered, Offered) else None
    if known is None:
        default, by_index = costs(offered, last_actor)
        known = default, [(index, cost) for index, cost in enumerate(by_index) if index != default]
        if isinstance(offered, Offered):
            offered.costs[last_actor] = known
    return known


class Bounded:
    """All schedules with at most `bound` preemptions, fewest first.

    A schedule is named by its choices up to the last one that is not the default; each is run exactly once.
    """

    is_blind = True

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.name = f"at most {bound} preemption{'' if bound == 1 else 's'}"
        self._pending: list[list[tuple[tuple[int, ...], str]]] = [[] for _ in range(bound + 1)]
        self._pending[0].append(((), ""))

    def choosers(self, report: Report) -> Iterator[Chooser]:
        for cost, bucket in enumerate(self._pending):
            while bucket:
                prefix, expected = bucket.pop()
                report.left = sum(map(len, self._pending))
                yield self._chooser(prefix, expected, cost)
                report.by_bound[cost] += 1
        report.left = 0
        report.is_exhausted = True

    def _chooser(self, prefix: tuple[int, ...], expected: str, cost: int) -> Chooser:
        chosen: list[int] = []
        last_actor = ""
        fixed = len(prefix)
        bound, pending = self.bound, self._pending

        def choose(world: World, decisions: list[Decision]) -> int:
            nonlocal last_actor
            depth = len(chosen)
            if depth < fixed:
                index = prefix[depth]
                if depth == fixed - 1 and (index >= len(decisions) or decisions[index].label != expected):
                    found = decisions[index].label if index < len(decisions) else "nothing"
                    raise Failure(
                        FailureKind.NONDETERMINISM,
                        f"step {depth + 1} was offered as '{expected}' and is now '{found}'",
                    )
            elif len(decisions) == 1:
                index = 0
            else:
                index, others = default_and_others(decisions, last_actor)
                before = tuple(chosen)
                for other, more in others:
                    if cost + more <= bound:
                        pending[cost + more].append(((*before, other), decisions[other].label))
            chosen.append(index)
            last_actor = decisions[index].actor
            return index

        return choose

    def ran(self, run: Run, report: Report) -> None:
        pass


class _Frame:
    __slots__ = ("asleep", "current", "offered", "untimely")

    def __init__(self, offered: list[Decision], asleep: dict[str, Footprint | None], untimely: int) -> None:
        self.offered = offered
        self.asleep = asleep
        self.current = -1
        self.untimely = untimely


class Everything:
    """All schedules that are not equivalent, depth first, with sleep sets."""

    name = "everything"
    is_blind = False

    def __init__(self) -> None:
        self._stack: list[_Frame] = []
        self._depth = 0

    def choosers(self, report: Report) -> Iterator[Chooser]:
        while True:
            self._depth = 0
            yield self._choose
            while self._stack and not self._next_of(self._stack[-1]):
                self._stack.pop()
            report.left = sum(len(frame.offered) - 1 - frame.current for frame in self._stack)
            if not self._stack:
                report.is_exhausted = True
                return

    def _next_of(self, frame: _Frame) -> bool:
        """Move on to the next decision of a state that does not sleep; the one before it sleeps from now on."""
        if frame.current >= 0:
            done = frame.offered[frame.current]
            frame.asleep[done.label] = done.footprint
        total = len(frame.offered)
        frame.current += 1
        while frame.current < total:
            decision = frame.offered[frame.current]
            if decision.label not in frame.asleep and (
                not decision.takes_time or total == 1 or frame.untimely < UNTIMELY_TIMERS_MAX
            ):
                return True
            frame.current += 1
        return False

    def _choose(self, world: World, decisions: list[Decision]) -> int:
        depth = self._depth
        self._depth += 1
        if depth == len(self._stack):
            self._stack.append(self._new_frame(world, decisions))
            if not self._next_of(self._stack[-1]):
                raise Abandoned
        frame = self._stack[depth]
        index = frame.current
        if index >= len(decisions) or decisions[index].label != frame.offered[index].label:
            raise Failure(
                FailureKind.NONDETERMINISM,
                f"step {depth + 1} was offered as '{frame.offered[index].label}' and no longer is",
            )
        return index

    def _new_frame(self, world: World, decisions: list[Decision]) -> _Frame:
        contended = world.is_contended()
        if contended:
            for decision in decisions:
                decision.footprint = None
        asleep: dict[str, Footprint | None] = {}
        untimely = 0
        if self._stack:
            parent = self._stack[-1]
            taken = parent.offered[parent.current]
            untimely = parent.untimely + (taken.takes_time and len(parent.offered) > 1)
            if not contended:
                asleep = {
                    label: footprint
                    for label, footprint in parent.asleep.items()
                    if independent(footprint, taken.footprint)
                }
        return _Frame(decisions, asleep, untimely)

    def ran(self, run: Run, report: Report) -> None:
        pass


class Uniform:
    """Any decision, all alike."""

    is_blind = True

    def __init__(self, seed: int) -> None:
        self.name = f"random, seed {seed}"
        self._random = random.Random(seed)

    def choosers(self, report: Report) -> Iterator[Chooser]:
        while True:
            yield self._choose

    def _choose(self, world: World, decisions: list[Decision]) -> int:
        timely = [index for index, decision in enumerate(decisions) if not decision.takes_time]
        chance = self._random
        if not timely or (len(timely) < len(decisions) and chance.random() < TIMER_PROBABILITY):
            return len(decisions) - 1
        ordinary = [index for index in timely if not decisions[index].is_fault]
        faults = [index for index in timely if decisions[index].is_fault]
        if faults and chance.random() < FAULT_PROBABILITY:
            return chance.choice(faults)
        return chance.choice(ordinary)

    def ran(self, run: Run, report: Report) -> None:
        pass


class Pct:
    """Priorities that change in a few places.

    :param depth: at least 1; how many events have to be in order for the bug to show.
    """

    is_blind = True

    def __init__(self, depth: int, seed: int) -> None:
        self.name = f"PCT of depth {depth}, seed {seed}"
        self._depth = depth
        self._random = random.Random(seed)
        self._length = 20

    def choosers(self, report: Report) -> Iterator[Chooser]:
        while True:
            yield self._chooser()

    def _chooser(self) -> Chooser:
        chance = self._random
        priorities: dict[str, float] = {}
        changes = {chance.randrange(1, self._length + 1): -float(order) for order in range(1, self._depth)}
        step = 0

        def choose(world: World, decisions: list[Decision]) -> int:
            nonlocal step
            step += 1
            timely = [index for index, decision in enumerate(decisions) if not decision.takes_time]
            if not timely or (len(timely) < len(decisions) and chance.random() < TIMER_PROBABILITY):
                return len(decisions) - 1
            faults = [index for index in timely if decisions[index].is_fault]
            if faults and chance.random() < FAULT_PROBABILITY:
                return chance.choice(faults)
            ordinary = [index for index in timely if not decisions[index].is_fault]
            for index in ordinary:
                if decisions[index].actor not in priorities:
                    priorities[decisions[index].actor] = chance.random() + 1
            highest = max(priorities[decisions[index].actor] for index in ordinary)
            if step in changes:
                for index in ordinary:
                    if priorities[decisions[index].actor] == highest:
                        priorities[decisions[index].actor] = changes[step]
                highest = max(priorities[decisions[index].actor] for index in ordinary)
            return chance.choice([index for index in ordinary if priorities[decisions[index].actor] == highest])

        return choose

    def ran(self, run: Run, report: Report) -> None:
        self._length = max(self._length, len(run.trace))


class Portfolio:
    """The bounded schedules with no and one preemption, then PCT of depths 2 and 3 and random ones in turn."""

    name = "portfolio"
    is_blind = True

    def __init__(self, seed: int, bound: int = 1) -> None:
        self.name = f"portfolio, seed {seed}"
        self._bounded = Bounded(bound)
        self._samplers: list[Strategy] = [Pct(2, seed), Pct(3, seed + 1), Uniform(seed + 2)]
        self._turn: Strategy = self._bounded

    def choosers(self, report: Report) -> Iterator[Chooser]:
        yield from self._bounded.choosers(report)
        report.is_exhausted = False
        endless = [(sampler, sampler.choosers(report)) for sampler in self._samplers]
        while True:
            for sampler, choosers in endless:
                self._turn = sampler
                yield next(choosers)

    def ran(self, run: Run, report: Report) -> None:
        for sampler in self._samplers:
            sampler.ran(run, report)
