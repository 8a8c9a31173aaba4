"""The same schedules on two implementations: chosen on a model, repeated on another program, outcomes compared.

The model chooses with its due timers firing by themselves, as those of a real program do.
"""

from __future__ import annotations

from harness.explore.failure import Failure, FailureKind
from harness.explore.replay import replay
from harness.explore.report import Budget, Finding, Report
from harness.explore.runner import Opener, run_schedule
from harness.explore.scenario import Scenario
from harness.explore.strategies import Strategy


def compare(
    model: Opener, other: Opener, scenario: Scenario, strategy: Strategy, budget: Budget, *, findings_max: int = 1
) -> Report:
    """Run schedules on both until `findings_max` differ, the strategy has no more, or the budget is spent."""
    report = Report(scenario, f"{strategy.name}, compared")
    try:
        for choose in strategy.choosers(report):
            if not report.has_budget(budget):
                break
            expected = run_schedule(model, scenario, choose, coarse=True)
            strategy.ran(expected, report)
            run, follower = replay(other, scenario, expected.steps, coarse=True)
            report.schedules += 1
            report.steps += len(run.steps)
            report.steps_max = max(report.steps_max, len(run.steps))
            failure = expected.failure or run.failure
            if failure is None and follower.difference:
                failure = Failure(FailureKind.OUTCOME_DIFFERS, follower.summary())
            if failure is None and expected.outcome != run.outcome:
                failure = Failure(FailureKind.OUTCOME_DIFFERS, _difference(expected.outcome, run.outcome))
            if run.outcome is not None:
                report.outcomes[run.outcome] += 1
            if failure is not None:
                report.findings.append(
                    Finding(scenario, expected.steps, failure, report.strategy, report.schedules, coarse=True)
                )
                if len(report.findings) >= findings_max:
                    break
    except KeyboardInterrupt:
        report.is_interrupted = True
    report.has_budget(Budget())
    return report


def _difference(one: object, other: object) -> str:
    assert isinstance(one, tuple)
    assert isinstance(other, tuple)
    for what, left, right in zip(("events", "answers", "contents"), one, other, strict=True):
        if left != right:
            for item, counterpart in zip(left, right, strict=False):
                if item != counterpart:
                    return f"{what}: {item} on the model, {counterpart} on the other"
            return f"{what}: {len(left)} on the model, {len(right)} on the other"
    return "nothing"
