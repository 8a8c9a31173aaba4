"""Makes a failing schedule small: fewer requests, fewer faults, fewer preemptions, smaller ranges, then fewer steps.

Whatever is tried must fail in the same way (`FailureKind`). A smaller scenario is searched anew with few preemptions,
so that what is found in it is nearly minimal by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace as changed

from harness.explore.explorer import explore
from harness.explore.failure import FailureKind
from harness.explore.replay import replay
from harness.explore.report import Budget, Finding
from harness.explore.runner import Opener
from harness.explore.scenario import UNIT_BYTES, WRITING_KINDS, Scenario
from harness.explore.strategies import Bounded, Pct, Strategy

SCHEDULES_PER_ATTEMPT = 150
ATTEMPTS_MAX = 60


def shrink(opener: Opener, finding: Finding) -> Finding:
    """Return the smallest finding of the same kind that a bounded effort leads to; the finding itself if none does."""
    best = finding
    attempts = 0
    progress = True
    while progress and attempts < ATTEMPTS_MAX:
        progress = False
        for scenario in smaller(best.scenario):
            attempts += 1
            found = _fails(opener, scenario, best)
            if found is not None:
                best, progress = found, True
                break
            if attempts >= ATTEMPTS_MAX:
                break
    found = _search(opener, best.scenario, best.failure.kind, Bounded(2), best.coarse)
    if found is not None and len(found.steps) <= len(best.steps):
        best = found
    return _fewer_steps(opener, best)


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


def _fails(opener: Opener, scenario: Scenario, known: Finding) -> Finding | None:
    kind = known.failure.kind
    run, _ = replay(opener, scenario, known.steps, coarse=known.coarse)
    if run.failure is not None and run.failure.kind is kind and not _is_hollow(scenario, kind):
        return changed(known, scenario=scenario, steps=run.steps, failure=run.failure)
    return _search(opener, scenario, kind, Bounded(1), known.coarse)


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


def _search(opener: Opener, scenario: Scenario, kind: FailureKind, strategy: Strategy, coarse: bool) -> Finding | None:
    if _is_hollow(scenario, kind):
        return None
    budget = Budget(schedules=SCHEDULES_PER_ATTEMPT)
    for attempt in (strategy, Pct(3, 1)):
        report = explore(opener, scenario, attempt, budget, coarse=coarse, counts_classes=False)
        if report.findings and report.findings[0].failure.kind is kind:
            return report.findings[0]
        if not report.findings and report.is_exhausted:
            return None
    return None


def _fewer_steps(opener: Opener, finding: Finding) -> Finding:
    """Leave out one step after the other; what is left out is made up for by the oldest decision, if need be."""
    best = finding
    index = len(best.steps) - 1
    while index >= 0:
        steps = best.steps[:index] + best.steps[index + 1 :]
        run, _ = replay(opener, best.scenario, steps, coarse=best.coarse)
        if (
            run.failure is not None
            and run.failure.kind is best.failure.kind
            and (len(run.steps), run.steps) < (len(best.steps), best.steps)
        ):
            best = changed(best, steps=run.steps, failure=run.failure)
            index = min(index, len(best.steps))
        index -= 1
    return best
