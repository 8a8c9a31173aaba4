"""The explorer: decisions, strategies, checks, schedule files, replay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.explore.building import complete, disks, mirror, write
from harness.explore.decision import Decision, Footprint, independent
from harness.explore.explorer import check_determinism, explore
from harness.explore.replay import replay
from harness.explore.report import Budget
from harness.explore.runner import run_schedule
from harness.explore.scenario import Scenario
from harness.explore.scenarios import NUMBERS, SCENARIOS
from harness.explore.schedule_file import Schedule, format_schedule, parse_schedule
from harness.explore.strategies import Bounded, Everything, Pct, Portfolio, Strategy, Uniform, costs
from harness.explore.trace_file import Timeline
from harness.implementations import Session, parse

ONE_WRITER = SCENARIOS["one-writer"]
REFERENCE = parse("reference")


def fresh() -> Session:
    return REFERENCE.open(Path())


def first_steps() -> list[str]:
    return run_schedule(fresh, ONE_WRITER, lambda world, decisions: 0).steps


def test_footprints_of_other_ranges_or_disks_are_independent() -> None:
    assert independent(Footprint("source", 0, 4096), Footprint("source", 4096, 8192))
    assert independent(Footprint("source", 0, 4096), Footprint("other", 0, 4096))


def test_footprints_that_overlap_or_are_unknown_are_not() -> None:
    assert not independent(Footprint("source", 0, 4097), Footprint("source", 4096, 8192))
    assert not independent(None, Footprint("source", 0, 1))


def test_costs_of_the_one_who_went_last_is_nothing_and_of_others_one() -> None:
    decisions = [Decision("job", "a"), Decision("writer", "b"), Decision("job", "c", takes_time=True)]
    assert costs(decisions, "writer") == (1, [1, 0, 1])


def test_costs_when_the_last_cannot_go_on_are_free_between_actors() -> None:
    decisions = [Decision("job", "a"), Decision("job", "b"), Decision("writer", "c")]
    assert costs(decisions, "gone") == (0, [0, 1, 0])


def test_bounded_runs_each_schedule_once_and_counts_by_preemptions() -> None:
    none = explore(fresh, ONE_WRITER, Bounded(0))
    one = explore(fresh, ONE_WRITER, Bounded(1))
    assert none.is_exhausted
    assert one.by_bound[0] == none.schedules
    assert one.by_bound.total() == one.schedules
    assert not one.findings


@pytest.mark.parametrize("strategy", [Pct(3, 1), Uniform(1), Portfolio(1), Everything()], ids=lambda one: one.name)
def test_strategy_with_a_budget_keeps_it_and_finds_nothing_on_the_reference(strategy: Strategy) -> None:
    report = explore(fresh, ONE_WRITER, strategy, Budget(schedules=20))
    assert report.schedules <= 20
    assert not report.findings


def test_same_seed_chooses_the_same_schedules() -> None:
    reports = [explore(fresh, ONE_WRITER, Pct(2, 7), Budget(schedules=10)) for _ in range(2)]
    assert reports[0].outcomes == reports[1].outcomes
    assert reports[0].steps == reports[1].steps


def test_determinism_of_the_reference_is_given() -> None:
    assert check_determinism(fresh, ONE_WRITER, Uniform(5)) is None


def test_independent_writers_are_fewer_classes_than_schedules() -> None:
    scenario = Scenario(
        name="apart",
        claim="two writers of two granules",
        disks=disks(2),
        setup=(mirror(),),
        actions=(write("one", 0, 4096, 1, "ready"), write("two", 4096, 4096, 2, "ready"), complete("two")),
    )
    report = explore(fresh, scenario, Bounded(1))
    assert len(report.classes) < report.schedules


def test_interruption_keeps_the_report() -> None:
    count = 0

    def opener() -> Session:
        nonlocal count
        count += 1
        if count > 3:
            raise KeyboardInterrupt
        return fresh()

    report = explore(opener, ONE_WRITER, Bounded(1))
    assert report.is_interrupted
    assert report.schedules == 3


def test_schedule_written_and_read_is_the_same() -> None:
    schedule = Schedule(ONE_WRITER, tuple(first_steps()))
    assert parse_schedule(format_schedule(schedule), "x") == schedule


def test_every_scenario_written_and_read_is_the_same() -> None:
    for scenario in SCENARIOS.values():
        assert parse_schedule(format_schedule(Schedule(scenario, ())), "x").scenario == scenario


def test_schedule_that_is_cut_is_refused() -> None:
    text = format_schedule(Schedule(ONE_WRITER, tuple(first_steps())))
    with pytest.raises(UsageError, match=r"^x: the schedule is cut: its last line 'end: …' is missing$"):
        parse_schedule(text[: text.rindex("end: ")], "x")


def test_schedule_that_was_edited_is_refused() -> None:
    text = format_schedule(Schedule(ONE_WRITER, tuple(first_steps())))
    with pytest.raises(
        UsageError, match=r"^x: the schedule was edited: its checksum is [0-9a-f]{16}, not [0-9a-f]{16}$"
    ):
        parse_schedule(text.replace("target flush", "target  flush", 1), "x")


def test_schedule_of_another_version_is_refused() -> None:
    text = format_schedule(Schedule(ONE_WRITER, ())).replace("schedule 1", "schedule 2", 1)
    with pytest.raises(UsageError, match=r"^x: this is a schedule of version '2', and only version 1 is known$"):
        parse_schedule(text, "x")


def test_something_else_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^x: this is no schedule: it does not begin with 'mirrorcheck schedule 1'$"):
        parse_schedule("hello\n", "x")


def test_replay_repeats_every_step() -> None:
    steps = first_steps()
    run, follower = replay(fresh, ONE_WRITER, steps)
    assert run.steps == steps
    assert follower.summary() == f"matched {len(steps)} of {len(steps)} steps"


def test_replay_of_a_changed_schedule_says_where_and_goes_on() -> None:
    steps = first_steps()
    run, follower = replay(fresh, ONE_WRITER, [*steps[:2], "guest nobody: starts", *steps[2:]])
    assert follower.summary().startswith(
        f"matched 2 of {len(steps) + 1} steps, first difference: expected 'guest nobody: starts', offered were '"
    )
    assert run.failure is None


def test_timeline_is_a_line_a_step_and_a_chrome_trace() -> None:
    timeline = Timeline()
    run, _ = replay(fresh, ONE_WRITER, first_steps(), observe=timeline.observe)
    assert sum(not line.startswith("      ") for line in timeline.lines) >= len(run.steps)
    trace = json.loads(timeline.chrome_trace())
    assert {event["ph"] for event in trace["traceEvents"]} >= {"M", "b", "e", "i", "C"}


def test_scenarios_have_one_number_each_from_700_on() -> None:
    assert set(NUMBERS) == set(SCENARIOS)
    assert len(set(NUMBERS.values())) == len(NUMBERS)
    assert all(700 <= number <= 899 for number in NUMBERS.values())


def test_scenario_whose_action_waits_for_nothing_known_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^scenario odd: action 'complete' waits for 'never', which is none$"):
        Scenario(name="odd", claim="", disks=disks(), setup=(mirror(),), actions=(complete("never"),))
