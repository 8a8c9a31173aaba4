"""Recalled schedules: the same schedules, outcomes and failures as without, for less work."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.explore import recall
from harness.explore.explorer import explore
from harness.explore.recall import ranks
from harness.explore.report import Report
from harness.explore.scenarios import SCENARIOS
from harness.explore.strategies import Bounded, Everything
from harness.implementations import Session, parse


@pytest.fixture(autouse=True)
def _tells_states_apart_from_the_first_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "RUNS_BEFORE_KEYS", 0)


def explored(scenario: str, implementation: str = "reference", *, recalls: bool, bound: int = 1) -> Report:
    opened = parse(implementation)

    def opener() -> Session:
        return opened.open(Path())

    return explore(opener, SCENARIOS[scenario], Bounded(bound), recalls=recalls)


def said(report: Report) -> tuple[object, ...]:
    return report.lines(), report.outcomes, report.classes


@pytest.mark.parametrize(
    "scenario",
    ["one-writer", "reader", "pause", "limited", "write-error", "drain-target", "resize", "start", "async-flush"],
)
def test_recalling_changes_nothing_but_what_is_run(scenario: str) -> None:
    recalled, run = explored(scenario, recalls=True), explored(scenario, recalls=False)
    assert said(recalled) == said(run)
    assert recalled.steps_run < run.steps_run == run.steps


@pytest.mark.parametrize("states", [0, 1, 30])
def test_recalling_with_little_memory_changes_nothing(states: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "STATES_MAX", states)
    recalled, run = explored("write-error", recalls=True), explored("write-error", recalls=False)
    assert said(recalled) == said(run)
    assert recalled.states <= states + 1  # the first one is always known


def test_recalling_runs_a_step_once_in_each_state_and_to_get_there() -> None:
    report = explored("three-writers", recalls=True, bound=2)
    assert report.steps > 10 * report.states
    assert report.steps > 2 * report.steps_run


@pytest.mark.parametrize(
    ("mutant", "scenario"),
    [
        ("active-waits-for-first-chunk-only", "overlapping-writers"),
        ("drain-returns-before-job-paused", "drain-source"),
        ("progress-ignores-active-bytes", "one-writer"),
        ("writes-missed-during-startup", "start"),
    ],
)
def test_recalling_finds_the_failure_that_running_finds(mutant: str, scenario: str) -> None:
    found = [explored(scenario, f"reference:{mutant}", recalls=recalls).findings[0] for recalls in (True, False)]
    assert str(found[0].failure) == str(found[1].failure)
    assert found[0].steps == found[1].steps


def test_strategy_that_looks_at_the_world_is_not_recalled() -> None:
    report = explore(lambda: parse("reference").open(Path()), SCENARIOS["short-writer"], Everything())
    assert report.steps_run == report.steps


def test_ranks_of_starts_with_nothing_between_are_one() -> None:
    assert ranks({"a": 1, "b": 2}, {"a": 3}) == ranks({"a": 4, "b": 3}, {"a": 9})


def test_ranks_tell_a_start_before_an_end_from_one_behind_and_one_at_the_same_step() -> None:
    orders = [ranks({"a": 1, "b": step}, {"a": 3}) for step in (2, 3, 4)]
    assert len({str(order) for order in orders}) == 3


def test_ranks_of_what_was_set_up_are_zero() -> None:
    assert ranks({"a": 0}, {"a": 0, "b": 2}) == [("a", "is", 0), ("a", "starts", 0), ("b", "is", 1)]
