"""The same schedules on two implementations: chosen on a model, repeated on another program, outcomes compared.

The model chooses as a real program runs: its due timers fire by themselves, and flushes are done at once. Which
schedules are chosen depends on the strategy alone, so they are the same with any number of workers; and what is found
is told in the order of the schedules.

A real program's time is real: on a slow machine one of its timers may fire earlier, counted in steps, than the model's.
So a schedule that went another way is repeated, and is a finding only if it never goes as on the model although it took
too little time for that. What fails by itself, without any comparison, is a finding at once.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from harness.explore.failure import Failure, FailureKind
from harness.explore.following import follow
from harness.explore.occurrences import Recorder, ScriptStep
from harness.explore.report import Budget, Finding, Report
from harness.explore.runner import Abandoned, Opener, Run, run_schedule
from harness.explore.scenario import Scenario
from harness.explore.strategies import Strategy

ATTEMPTS_MAX = 3
"""So often a schedule is run that goes another way each time."""


BLOCKED = "its main loop waited for what was held, and answered nobody"
PAUSED = "a job paused where the model's did not, or the other way round (QE-19, real-qemu E.4)"
SLOW = "a timer of its own may have fired in between, since the machine is slow"
ONCE = "when repeated it went as on the model"


class Repeated(NamedTuple):
    """What came of a schedule on the other program.

    :ivar failure: None when it went as on the model, or in another way that is allowed.
    :ivar allowed: the reason why it was, if it did.
    """

    steps_count: int
    outcome: tuple[Any, ...] | None
    failure: Failure | None
    allowed: str = ""


class Program(Protocol):
    """The other program, or several workers that run it."""

    def repeat(
        self, scenario: Scenario, script: Sequence[ScriptStep], outcome: tuple[Any, ...] | None
    ) -> Future[Repeated]:
        """Repeat a schedule that had an outcome on the model."""

    @property
    def width(self) -> int:
        """How many schedules can be under way without any waiting for a worker for long."""


class Here:
    """The other program in this process, one schedule at a time."""

    width = 1

    def __init__(self, opener: Opener) -> None:
        self._opener = opener

    def repeat(
        self, scenario: Scenario, script: Sequence[ScriptStep], outcome: tuple[Any, ...] | None
    ) -> Future[Repeated]:
        """Repeat it now."""
        future: Future[Repeated] = Future()
        future.set_result(repeat(self._opener, scenario, script, outcome))
        return future


def repeat(
    opener: Opener, scenario: Scenario, script: Sequence[ScriptStep], outcome: tuple[Any, ...] | None
) -> Repeated:
    """Run a script until it goes as on the model, or has gone another way too often."""
    was_slow = False
    for attempt in range(1, ATTEMPTS_MAX + 1):
        run, follower = follow(opener, scenario, script)
        failure, allowed = run.failure, ""
        if failure is None:
            found = follower.summary() if follower.difference else difference(outcome, run.outcome)
            if found and follower.was_blocked:
                allowed = BLOCKED
            elif found and not follower.difference and not difference(outcome, run.outcome, without_pauses):
                allowed = PAUSED
            elif found:
                was_slow = was_slow or follower.was_slow
                failure = Failure(FailureKind.OUTCOME_DIFFERS, found)
        if failure is not None and failure.kind is FailureKind.OUTCOME_DIFFERS:
            if attempt < ATTEMPTS_MAX:
                continue
            if was_slow:
                failure, allowed = None, SLOW
        elif failure is None and not allowed and attempt > 1:
            allowed = SLOW if was_slow else ONCE
        break
    return Repeated(len(run.steps), run.outcome, failure, allowed)


@dataclass(slots=True)
class _UnderWay:
    expected: Run
    repeated: Future[Repeated]
    number: int


def compare(
    model: Opener,
    program: Program,
    scenario: Scenario,
    strategy: Strategy,
    budget: Budget,
    *,
    findings_max: int = 1,
    is_known: Callable[[Failure], str] = lambda failure: "",
) -> Report:
    """Run schedules on both until `findings_max` differ, the strategy has no more, or the budget is spent.

    An interruption (Ctrl-C) ends it too, with the report as it stands.

    :param is_known: says of a failure on the other program why it is no news; empty when it is.
    """
    report = Report(scenario, f"{strategy.name}, compared")
    chosen = Report(scenario)
    under_way: deque[_UnderWay] = deque()
    choosers = strategy.choosers(chosen)
    try:
        while len(report.findings) < findings_max:
            choose = next(choosers, None) if chosen.has_budget(budget) else None
            if choose is not None:
                recorder = Recorder(choose)
                try:
                    expected = run_schedule(model, scenario, recorder.choose, coarse=True)
                except Abandoned:
                    report.redundant += 1
                    continue
                strategy.ran(expected, chosen)
                chosen.schedules += 1
                chosen.steps += len(expected.steps)
                repeated = program.repeat(scenario, recorder.script, expected.outcome)
                under_way.append(_UnderWay(expected, repeated, chosen.schedules))
            if under_way and (choose is None or len(under_way) >= program.width):
                _account(report, under_way.popleft(), is_known)
            elif choose is None:
                break
    except KeyboardInterrupt:
        report.is_interrupted = True
    if not report.findings:
        report.by_bound, report.left = chosen.by_bound, chosen.left
    report.is_exhausted = chosen.is_exhausted and not under_way and not report.findings
    report.has_budget(Budget())
    return report


def _account(report: Report, done: _UnderWay, is_known: Callable[[Failure], str]) -> None:
    repeated = done.repeated.result()
    report.schedules += 1
    report.steps += repeated.steps_count
    report.steps_max = max(report.steps_max, repeated.steps_count)
    failure = done.expected.failure or repeated.failure
    if failure is None:
        if repeated.allowed:
            report.allowed[repeated.allowed] += 1
        if repeated.outcome is not None:
            report.outcomes[repeated.outcome] += 1
        return
    known = is_known(failure) if done.expected.failure is None else ""
    if known:
        report.known[known] += 1
        return
    report.findings.append(
        Finding(report.scenario, done.expected.steps, failure, report.strategy, done.number, coarse=True)
    )


Events = Sequence[str]


def difference(one: object, other: object, seen: Callable[[Events], Events] = lambda events: events) -> str:
    """What differs first between two outcomes, empty when nothing does.

    In which order the events of two jobs come depends on their timers, so those of each job are compared.

    :param seen: what is to be seen of the events of one job.
    """
    if not isinstance(one, tuple) or not isinstance(other, tuple):
        return "one of them has no outcome" if one != other else ""
    events, others = _by_job(one[0]), _by_job(other[0])
    sides = [(f"events of {job or 'no job'}", seen(events[job]), seen(others[job])) for job in sorted(events | others)]
    sides += [("answers", one[1], other[1]), ("contents", one[2], other[2])]
    for what, left, right in sides:
        if left != right:
            for item, counterpart in zip(left, right, strict=False):
                if item != counterpart:
                    return f"{what}: {item} on the model, {counterpart} on the other"
            return f"{what}: {len(left)} on the model, {len(right)} on the other"
    return ""


def _by_job(events: Events) -> defaultdict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for event in events:
        found[event.split(" ")[1] if " " in event else ""].append(event)
    return found


def without_pauses(events: Events) -> Events:
    """Without the moments in which a job was drained: it pauses, and goes on."""
    left: list[str] = []
    for event in events:
        if left and (left[-1].rpartition(" ")[2], event.rpartition(" ")[2]) in _PAUSES:
            left.pop()
        else:
            left.append(event)
    return left


_PAUSES = (("paused", "running"), ("standby", "ready"))
