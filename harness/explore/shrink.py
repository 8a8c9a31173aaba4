"""Makes a failing schedule small: fewer requests, fewer faults, fewer preemptions, smaller ranges, then fewer steps.

Whatever is tried must fail in the same way (`FailureKind`). A smaller scenario is searched anew with few preemptions,
so that what is found in it is nearly minimal by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace as changed
from typing import Protocol

from harness.explore.explorer import explore
from harness.explore.failure import Failure, FailureKind
from harness.explore.occurrences import Recorder
from harness.explore.replay import Replay, replay
from harness.explore.report import Budget, Finding, Report
from harness.explore.runner import Opener, run_schedule
from harness.explore.scenario import UNIT_BYTES, WRITING_KINDS, Scenario
from harness.explore.strategies import Bounded, Pct, Strategy
from harness.explore.versus import Program, compare

ATTEMPTS_MAX = 60
"""So many smaller scenarios are tried."""


class Trial(Protocol):
    """Where smaller findings are looked for."""

    def repeat(self, finding: Finding, scenario: Scenario, steps: Sequence[str]) -> Finding | None:
        """Follow steps in a scenario; what goes wrong, if anything does."""

    def search(self, scenario: Scenario, strategy: Strategy) -> Report:
        """Look for whatever goes wrong first; not for long."""


class OnModel:
    """On the model that is explored."""

    SCHEDULES_MAX = 150

    def __init__(self, opener: Opener, *, coarse: bool = False) -> None:
        self._opener = opener
        self._coarse = coarse

    def repeat(self, finding: Finding, scenario: Scenario, steps: Sequence[str]) -> Finding | None:
        """See `Trial`."""
        run, _ = replay(self._opener, scenario, steps, coarse=self._coarse)
        return _found(finding, scenario, run.steps, run.failure)

    def search(self, scenario: Scenario, strategy: Strategy) -> Report:
        """See `Trial`."""
        budget = Budget(schedules=self.SCHEDULES_MAX)
        return explore(self._opener, scenario, strategy, budget, coarse=self._coarse, counts_classes=False)


class OnProgram:
    """On a real program, beside the model that it is compared with; after so many schedules nothing more is found."""

    SCHEDULES_MAX = 10
    ALL_SCHEDULES_MAX = 300

    def __init__(self, model: Opener, program: Program) -> None:
        self._model = model
        self._program = program
        self._schedules_left = self.ALL_SCHEDULES_MAX

    def repeat(self, finding: Finding, scenario: Scenario, steps: Sequence[str]) -> Finding | None:
        """See `Trial`."""
        recorder = Recorder(Replay(steps).choose)
        expected = run_schedule(self._model, scenario, recorder.choose, coarse=True)
        self._schedules_left -= 1
        if expected.failure is not None or self._schedules_left < 0:
            return None
        repeated = self._program.repeat(scenario, recorder.script, expected.outcome).result()
        return _found(finding, scenario, expected.steps, repeated.failure)

    def search(self, scenario: Scenario, strategy: Strategy) -> Report:
        """See `Trial`."""
        budget = Budget(schedules=max(min(self.SCHEDULES_MAX, self._schedules_left), 0))
        report = compare(self._model, self._program, scenario, strategy, budget)
        self._schedules_left -= report.schedules
        return report


def _found(finding: Finding, scenario: Scenario, steps: list[str], failure: Failure | None) -> Finding | None:
    return None if failure is None else changed(finding, scenario=scenario, steps=steps, failure=failure)


def shrink(opener: Opener, finding: Finding) -> Finding:
    """Return the smallest finding of the same kind that a bounded effort on a model leads to, or the finding itself."""
    return shrink_on(OnModel(opener, coarse=finding.coarse), finding)


def shrink_on(trial: Trial, finding: Finding) -> Finding:
    """The same wherever it can be tried."""
    best = finding
    attempts = 0
    progress = True
    while progress and attempts < ATTEMPTS_MAX:
        progress = False
        for scenario in smaller(best.scenario):
            attempts += 1
            found = _fails(trial, scenario, best)
            if found is not None:
                best, progress = found, True
                break
            if attempts >= ATTEMPTS_MAX:
                break
    found = _search(trial, best.scenario, best.failure.kind, Bounded(2))
    if found is not None and len(found.steps) <= len(best.steps):
        best = found
    return _fewer_steps(trial, best)


def smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Scenarios with one thing less, the greatest steps first."""
    for action in scenario.actions:
        yield scenario.without(action)
    for index in range(len(scenario.faults)):
        yield changed(scenario, faults=scenario.faults[:index] + scenario.faults[index + 1 :])
    for action in scenario.actions:
        if action.kind in WRITING_KINDS and action.length > UNIT_BYTES:
            half = action.length // 2 // UNIT_BYTES * UNIT_BYTES
            yield scenario.changed(action, length=half)
            yield scenario.changed(action, offset=action.offset + action.length - half, length=half)


def _fails(trial: Trial, scenario: Scenario, known: Finding) -> Finding | None:
    kind = known.failure.kind
    if _is_hollow(scenario, kind):
        return None
    found = trial.repeat(known, scenario, known.steps)
    if found is not None and found.failure.kind is kind:
        return found
    return _search(trial, scenario, kind, Bounded(1))


def _is_hollow(scenario: Scenario, kind: FailureKind) -> bool:
    """Whether the scenario would hang on any implementation: nobody ends its jobs, or what is awaited never comes."""
    if kind not in (FailureKind.HANG, FailureKind.LIVELOCK, FailureKind.LOST_WAKE_UP, FailureKind.WRONG_EVENT):
        return False
    ends = [action for action in scenario.actions if "cancel" in action.command or "complete" in action.command]
    pauses = sum(action.command.endswith("pause") for action in scenario.actions)
    resumes = sum(action.command.endswith("resume") for action in scenario.actions)
    drains = sum(action.kind.value == "drain" for action in scenario.actions)
    undrains = sum(action.kind.value == "undrain" for action in scenario.actions)
    mirrors = len(scenario.pairs())
    return len(ends) < mirrors or pauses > resumes or drains > undrains


def _search(trial: Trial, scenario: Scenario, kind: FailureKind, strategy: Strategy) -> Finding | None:
    if _is_hollow(scenario, kind):
        return None
    for attempt in (strategy, Pct(3, 1)):
        report = trial.search(scenario, attempt)
        if report.findings and report.findings[0].failure.kind is kind:
            return report.findings[0]
        if not report.findings and report.is_exhausted:
            return None
    return None


def _fewer_steps(trial: Trial, finding: Finding) -> Finding:
    """Leave out one step after the other; what is left out is made up for by the oldest decision, if need be."""
    best = finding
    index = len(best.steps) - 1
    while index >= 0:
        steps = best.steps[:index] + best.steps[index + 1 :]
        found = trial.repeat(best, best.scenario, steps)
        if (
            found is not None
            and found.failure.kind is best.failure.kind
            and (len(found.steps), found.steps) < (len(best.steps), best.steps)
        ):
            best = found
            index = min(index, len(best.steps))
        index -= 1
    return best
