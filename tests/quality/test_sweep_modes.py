"""Sweeps of the cases of the newer copy modes on the reference, and of the scenarios that explore them: no violation.

`mirrorcheck sweep 800` and its like run all of the faults; here each case has a stated sample of them. In the
scenarios one request of each kind fails, whichever the explorer chooses, on all schedules without a preemption, under
each policy.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness import case_run
from harness.cases import select
from harness.explore.building import command_error
from harness.explore.explorer import explore
from harness.explore.mode_scenarios import MODE_SCENARIOS
from harness.explore.report import Budget, Report
from harness.explore.scenario import Action, Fault, Scenario
from harness.explore.scenarios import SCENARIOS
from harness.explore.strategies import Bounded
from harness.faults.sweep import Sweep
from harness.implementations import parse
from harness.implementations.reference import Reference
from harness.suite import Suite

EVERY = 11
"""Of about 10000 faults every eleventh; it has no factor in common with the numbers of policies and errors."""

FAILING = (("source", "read"), ("source", "write"), ("source", "flush"), ("target", "write"), ("target", "flush"))
POLICIES = (("EIO", "report"), ("EIO", "ignore"), ("EIO", "stop"), ("ENOSPC", "enospc"))
SCHEDULES_MAX = 400


@pytest.mark.slow
@pytest.mark.parametrize("number", ["800", "810", "820", "830", "840", "850", "860"])
def test_sweep_of_a_case_of_the_modes_has_no_violation(number: str) -> None:
    suite = Suite.find(Path(__file__).parents[2])
    (case,) = select(suite.cases(), [number])
    table = Sweep(case_run.load(case), Reference(), every=EVERY).table()
    assert table.runs_count > 50
    assert table.violations == []


def faulty(scenario: Scenario, disk: str, operation: str, error: str, policy: str, *, always: bool = False) -> Scenario:
    """The scenario under a policy, with one request of a kind failing; what then cannot come is not waited for."""

    def under_policy(action: Action) -> Action:
        arguments = {**action.arguments, "on-source-error": policy, "on-target-error": policy}
        return replace(action, arguments=arguments) if action.command == "blockdev-mirror" else action

    actions = tuple(replace(action, optional=True) for action in scenario.actions)
    if policy in ("stop", "enospc"):
        actions = (replace(command_error("job-resume", id="job0"), name="go-on"), *actions)
    fault = Fault(disk, operation, error, always)
    return replace(scenario, setup=tuple(map(under_policy, scenario.setup)), actions=actions, faults=(fault,))


def ends_softly(scenario: Scenario) -> bool:
    return any(
        action.command == "block-job-cancel" and not action.arguments.get("force") for action in scenario.actions
    )


def explore_faulty(scenario: Scenario, folder: Path, spec: str = "reference") -> Report:
    implementation = parse(spec)
    return explore(
        lambda: implementation.open(folder), scenario, Bounded(0), Budget(schedules=SCHEDULES_MAX), counts_classes=False
    )


@pytest.mark.slow
@pytest.mark.parametrize("scenario", [scenario for _, scenario in MODE_SCENARIOS], ids=lambda scenario: scenario.name)
def test_sweep_of_a_scenario_of_the_modes_finds_nothing(scenario: Scenario, tmp_path: Path) -> None:
    for disk, operation in FAILING:
        for error, policy in POLICIES:
            if policy in ("stop", "enospc") and ends_softly(scenario):
                continue  # a job that an error has stopped refuses it, and then there is no end to wait for
            report = explore_faulty(faulty(scenario, disk, operation, error, policy), tmp_path)
            assert report.findings == [], (disk, operation, error, policy)
        if (disk, operation) not in (("source", "write"), ("source", "flush")):
            report = explore_faulty(faulty(scenario, disk, operation, "EIO", "report", always=True), tmp_path)
            assert report.findings == [], (disk, operation, "from the beginning on")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mutant", "name", "disk", "operation"),
    [
        ("async-failed-target-write-forgotten", "async-writer", "target", "write"),
        ("async-failed-source-write-forgotten", "async-overlapping-writers", "source", "write"),
        ("mirrored-read-error-forgotten", "mirrored-part-reader", "target", "write"),
        ("mirrored-read-source-error-forgotten", "mirrored-reader", "source", "read"),
    ],
)
def test_sweep_of_a_scenario_finds_what_is_forgotten_after_an_error(
    mutant: str, name: str, disk: str, operation: str, tmp_path: Path
) -> None:
    scenario = faulty(SCENARIOS[name], disk, operation, "EIO", "ignore")
    assert explore_faulty(scenario, tmp_path, f"reference:{mutant}").findings
