"""Explores a scenario: runs schedule after schedule until a strategy, a budget or the user says that it is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from harness.explore.bounded_walk import BoundedWalk, WalkedRun
from harness.explore.decision import Decision
from harness.explore.failure import Failure, FailureKind
from harness.explore.recall import Recall
from harness.explore.report import Budget, Finding, Report
from harness.explore.runner import Abandoned, Opener, Run, run_schedule
from harness.explore.scenario import Scenario
from harness.explore.strategies import Bounded, Everything, Pct, Portfolio, Strategy, Uniform
from harness.explore.world import World

NO_LIMIT = Budget()


def explore(
    opener: Opener,
    scenario: Scenario,
    strategy: Strategy,
    budget: Budget = NO_LIMIT,
    *,
    coarse: bool = False,
    findings_max: int = 1,
    counts_classes: bool = True,
    recalls: bool = True,
) -> Report:
    """Run schedules until `findings_max` have failed, the strategy has no more, or the budget is spent.

    An interruption (Ctrl-C) ends it too, with the report as it stands.

    :param counts_classes: whether to find out which schedules are equivalent, which costs time.
    :param recalls: whether no step is taken twice from the same state, where that can be (`harness.explore.recall`).
    """
    report = Report(scenario, strategy.name)
    recall = Recall(opener, scenario) if recalls and strategy.is_blind and not coarse else None
    try:
        for run_next in _schedules(opener, scenario, strategy, recall, report, coarse=coarse):
            if not report.has_budget(budget):
                report.left += 1
                break
            try:
                run = run_next()
            except Abandoned:
                report.redundant += 1
                continue
            _count(report, run, counts_classes)
            if isinstance(run, Run):
                strategy.ran(run, report)
            if run.failure is not None:
                report.findings.append(
                    Finding(scenario, run.steps, run.failure, strategy.name, report.schedules, coarse)
                )
                if len(report.findings) >= findings_max:
                    break
    except KeyboardInterrupt:
        report.is_interrupted = True
    report.has_budget(NO_LIMIT)  # takes the time
    report.steps_run, report.states = (recall.steps_run, recall.states_count) if recall else (report.steps, 0)
    return report


def _schedules(
    opener: Opener, scenario: Scenario, strategy: Strategy, recall: Recall | None, report: Report, *, coarse: bool
) -> Iterator[Callable[[], Run | WalkedRun]]:
    """What runs one schedule, for each that the strategy has."""
    if recall is None:
        for choose in strategy.choosers(report):
            yield partial(run_schedule, opener, scenario, choose, coarse=coarse)
    elif isinstance(strategy, Bounded):
        yield from BoundedWalk(recall, strategy.bound).schedules(report)
    else:
        for choose in strategy.choosers(report):
            yield partial(recall.run, choose)


def _count(report: Report, run: Run | WalkedRun, counts_classes: bool) -> None:
    report.schedules += 1
    report.steps += run.length
    report.steps_max = max(report.steps_max, run.length)
    if run.outcome is not None:
        report.outcomes[run.outcome] += 1
        if counts_classes:
            report.classes[run.class_name()] += 1


def check_determinism(
    opener: Opener, scenario: Scenario, strategy: Strategy, *, coarse: bool = False
) -> Failure | None:
    """Run one schedule of the strategy, then the same again, and compare what is offered at every step.

    :return: what differs first, None when nothing does.
    """
    offered: list[list[str]] = []
    chosen: list[int] = []
    report = Report(scenario)
    first_chooser = next(iter(strategy.choosers(report)))

    def first(world: World, decisions: list[Decision]) -> int:
        index = first_chooser(world, decisions)
        offered.append([decision.label for decision in decisions])
        chosen.append(index)
        return index

    step = 0

    def second(world: World, decisions: list[Decision]) -> int:
        nonlocal step
        labels = [decision.label for decision in decisions]
        if step >= len(offered) or labels != offered[step]:
            before = offered[step] if step < len(offered) else []
            raise Failure(
                FailureKind.NONDETERMINISM,
                f"step {step + 1} offered {_names(before)} the first time and {_names(labels)} the second",
            )
        step += 1
        return chosen[step - 1]

    one = run_schedule(opener, scenario, first, coarse=coarse)
    other = run_schedule(opener, scenario, second, coarse=coarse)
    if other.failure is not None and other.failure.kind is FailureKind.NONDETERMINISM:
        return other.failure
    if one.outcome != other.outcome or str(one.failure) != str(other.failure):
        return Failure(FailureKind.NONDETERMINISM, "the same schedule has two outcomes")
    return None


def _names(labels: list[str]) -> str:
    return ", ".join(f"'{label}'" for label in labels) or "nothing"


def strategy_named(name: str, *, bound: int, depth: int, seed: int) -> Strategy:
    """A strategy by the word that the command line has for it."""
    match name:
        case "bounded":
            return Bounded(bound)
        case "everything":
            return Everything()
        case "pct":
            return Pct(depth, seed)
        case "random":
            return Uniform(seed)
        case _:
            return Portfolio(seed, min(bound, 1))
