"""Each mutant is shown by what `known.toml` says, within so many schedules, and its finding shrinks to so little.

The table is data of the harness, because the matrix of mutants tries what it says first.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import judge
from harness.cases import Case
from harness.explore.explorer import explore
from harness.explore.replay import replay
from harness.explore.report import Budget, Finding
from harness.explore.runner import Opener
from harness.explore.scenarios import SCENARIOS
from harness.explore.schedule_file import Schedule, format_schedule, parse_schedule
from harness.explore.shrink import shrink
from harness.faults.fault import parse as parse_fault
from harness.implementations import Session, parse
from harness.implementations.reference import known_mutants
from harness.judge import Judge
from harness.mutants import known
from harness.mutants.case_runs import reason_to_fail
from harness.mutants.hunt import SCHEDULES_MAX, fault_shows, strategy_of
from harness.suite import Suite

KNOWN = known.read()

MANY_SCHEDULES = 1000
"""Whoever needs more is looked for at night."""


def names(column: str, *, at_night: bool = False) -> list[str]:
    """The mutants with something in a column of the table; those that are explored by day or at night."""
    return [
        name
        for name, entry in KNOWN.items()
        if getattr(entry, column) and (column != "scenario" or (entry.schedules > MANY_SCHEDULES) == at_night)
    ]


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    suite = Suite.find(Path(__file__).parents[2])
    return {case.id: case for case in suite.cases()}


@pytest.fixture(scope="module")
def judging(cases: dict[str, Case]) -> Judge:
    return judge.load(Suite.find(Path(__file__).parents[2]), list(cases))


def opener_of(mutant: str) -> Opener:
    implementation = parse(f"reference:{mutant}")

    def opener() -> Session:
        return implementation.open(Path())

    return opener


def test_every_mutant_is_in_the_table_and_needs_no_more_schedules_than_allowed() -> None:
    single, _ = known_mutants()
    assert set(KNOWN) == set(single)
    for name, entry in KNOWN.items():
        assert entry.case or entry.fault or entry.scenario, name
        assert bool(entry.scenario) == bool(entry.schedules), name
        assert entry.schedules <= SCHEDULES_MAX, name


@pytest.mark.slow
@pytest.mark.parametrize("mutant", names("case"))
def test_mutant_fails_its_case(mutant: str, cases: dict[str, Case], judging: Judge) -> None:
    assert reason_to_fail(cases[KNOWN[mutant].case], parse(f"reference:{mutant}"), judging) is not None


@pytest.mark.slow
@pytest.mark.parametrize("mutant", names("fault"))
def test_mutant_is_shown_by_its_fault(mutant: str, cases: dict[str, Case]) -> None:
    case_id, fault = KNOWN[mutant].fault.split()
    assert fault_shows(parse(f"reference:{mutant}"), cases[case_id], parse_fault(fault))
    assert not fault_shows(parse("reference"), cases[case_id], parse_fault(fault))


@pytest.mark.slow
@pytest.mark.parametrize("mutant", names("scenario"))
def test_mutant_explored_is_found_shrinks_and_replays(mutant: str) -> None:
    look_for(mutant)


@pytest.mark.nightly
@pytest.mark.parametrize("mutant", names("scenario", at_night=True))
def test_rare_mutant_explored_is_found_shrinks_and_replays(mutant: str) -> None:
    look_for(mutant)


def look_for(mutant: str) -> None:
    """Explore as the table says, shrink what is found, and replay that from its text."""
    entry, opener = KNOWN[mutant], opener_of(mutant)
    strategy = strategy_of(entry.preemptions)
    report = explore(
        opener, SCENARIOS[entry.scenario], strategy, Budget(schedules=entry.schedules), counts_classes=False
    )
    assert report.findings, f"it is not found in {report.schedules} schedules of {entry.scenario}"
    small = shrink(opener, report.findings[0])
    requests = sum(action.is_guest_request for action in small.scenario.actions)
    size = f"{len(small.steps)} steps and {requests} requests: {small.failure}"
    assert len(small.steps) <= entry.steps, size
    assert requests <= entry.requests, size
    assert replayed(opener, small, mutant) == str(small.failure)


def replayed(opener: Opener, finding: Finding, mutant: str) -> str:
    """The failure of a finding that was written to a file and read again; it must be followed to its end."""
    text = format_schedule(
        Schedule(finding.scenario, tuple(finding.steps), f"reference:{mutant}", str(finding.failure), finding.coarse)
    )
    schedule = parse_schedule(text, "finding")
    run, follower = replay(opener, schedule.scenario, schedule.steps, coarse=schedule.coarse)
    assert not follower.difference
    return str(run.failure)
