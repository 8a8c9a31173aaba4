"""Faults: how they are named and listed, how one is made to happen, and that a sweep tells right from wrong."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.bench import Bench
from harness.cli import main
from harness.errors import CaseError
from harness.faults.crash import crashes
from harness.faults.fault import Ending, Error, Fault, Position, faults_at, middle_of_each, parse
from harness.faults.plan import Plan
from harness.faults.sweep import Sweep
from harness.faults.table import Table
from harness.faults.trial import Outcome
from harness.implementations.reference import Reference
from harness.storage import HeldStorage, Operation
from reference_impl.mirror import MirrorJob

GRANULE = 65536
WRITE_2 = Position("target", Operation.WRITE, 2)


def short_life(bench: Bench) -> None:
    source = bench.disk("source", 3 * GRANULE, 0x11)
    target = bench.disk("target", 3 * GRANULE)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking")
    bench.wait_event("BLOCK_JOB_READY")
    guest.write(GRANULE, 512, 0x22)
    guest.flush()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")


def only_first(positions: Sequence[Position]) -> Sequence[Position]:
    return [position for position in positions if position.number == 0]


@pytest.mark.parametrize("fault", list(faults_at([WRITE_2, Position("source", Operation.READ, 0)])))
def test_fault_described_and_parsed_is_the_same(fault: Fault) -> None:
    assert parse(fault.describe()) == fault


@pytest.mark.parametrize(
    "text", ["", "target-write-1", "disk-write-1:EIO:once:stop:heal", "target-write-1:EIO:twice:stop:heal"]
)
def test_parse_of_anything_else_is_refused(text: str) -> None:
    message = rf"^'{text}' is no fault: it reads like target-write-12:EIO:once:stop:heal$"
    with pytest.raises(ValueError, match=message):
        parse(text)


def test_faults_at_one_position_are_all_48() -> None:
    faults = list(faults_at([WRITE_2]))
    assert len(set(faults)) == len(faults) == 2 * 3 * 4 * 2


@pytest.mark.parametrize(
    ("policy", "error", "action"),
    [
        ("report", Error.ENOSPC, "report"),
        ("stop", Error.EIO, "stop"),
        ("ignore", Error.EIO, "ignore"),
        ("enospc", Error.ENOSPC, "stop"),
        ("enospc", Error.EIO, "report"),
    ],
)
def test_fault_action_is_what_the_policy_says(policy: str, error: Error, action: str) -> None:
    assert Fault(WRITE_2, False, error, policy, Ending.HEAL).action == action


def test_middle_of_each_takes_one_of_every_kind() -> None:
    positions = [Position("source", Operation.READ, number) for number in range(5)] + [WRITE_2]
    assert middle_of_each(positions) == [Position("source", Operation.READ, 2), WRITE_2]


@pytest.mark.parametrize(("persistent", "failing"), [(False, [2]), (True, [2, 3, 4])])
def test_plan_fails_the_request_that_is_meant(persistent: bool, failing: list[int]) -> None:
    plan = Plan(Fault(WRITE_2, persistent, Error.ENOSPC, "report", Ending.HEAL))
    source, target = HeldStorage("source", 4096), HeldStorage("target", 4096)
    plan.begin(source, target)
    requests = [target.submit(Operation.WRITE, 0, 512, bytes(512), on_complete=lambda _: None) for _ in range(5)]
    source.submit(Operation.WRITE, 0, 512, bytes(512), on_complete=lambda _: None)
    assert [request.index for request in requests if request.errno == 28] == failing
    assert [request.index for request in plan.hits] == failing


def test_plan_healed_answers_what_it_held_and_fails_no_more() -> None:
    plan = Plan(Fault(WRITE_2._replace(number=0), True, Error.NO_ANSWER, "report", Ending.HEAL))
    source, target = HeldStorage("source", 4096), HeldStorage("target", 4096)
    plan.begin(source, target)
    request = target.submit(Operation.WRITE, 0, 512, bytes(512), on_complete=lambda _: None)
    assert plan.holds_something
    plan.heal()
    assert request.state == "completed"
    assert not plan.holds_something
    assert target.submit(Operation.WRITE, 0, 512, bytes(512), on_complete=lambda _: None).state == "completed"


def test_table_counts_effects_by_kind_and_policy() -> None:
    table = Table()
    for policy in ("report", "stop"):
        for number in range(2):
            fault = Fault(WRITE_2._replace(number=number), False, Error.EIO, policy, Ending.HEAL)
            table.add(fault, Outcome("job ends" if policy == "report" else "job stops", ()))
    assert table.lines() == [
        "fault              report      ignore  stop         enospc",
        "target write, EIO  2 job ends  -       2 job stops  -",
    ]


@pytest.mark.slow
def test_sweep_of_the_reference_finds_nothing_and_reaches_everything() -> None:
    sweep = Sweep(short_life, Reference(), sample=only_first)
    table = sweep.table()
    assert table.violations == []
    assert table.runs_count == 48 * len(only_first(sweep.positions))
    assert not any("not reached" in line for line in table.lines())


def test_sweep_of_a_case_without_a_mirror_is_refused() -> None:
    sweep = Sweep(lambda bench: None, Reference())
    with pytest.raises(
        CaseError, match=r"^it starts no blockdev-mirror of one disk to another, so there is nothing to sweep$"
    ):
        sweep.count()


def test_sweep_of_a_job_that_reports_no_errors_names_it() -> None:
    original = MirrorJob.request_failed
    fault = Fault(Position("target", Operation.WRITE, 1), False, Error.EIO, "ignore", Ending.HEAL)
    try:
        MirrorJob.request_failed = lambda self, errno, *, is_read: None  # type: ignore[method-assign]
        outcome = Sweep(short_life, Reference()).try_one(fault)
    finally:
        MirrorJob.request_failed = original  # type: ignore[method-assign]
    assert "nobody was told that write 64k+512 of the target failed" in outcome.problems


@pytest.mark.slow
def test_crashes_of_the_reference_at_every_request_lose_nothing() -> None:
    found = list(crashes(short_life, Reference()))
    assert len(found) > 5
    assert all(crash.problems == () for crash in found)


def test_sweep_command_with_what_is_no_fault_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "310", "--fault", "nonsense"]) == 254
    assert "'nonsense' is no fault: it reads like target-write-12:EIO:once:stop:heal" in capsys.readouterr().err


def test_sweep_command_with_one_fault_says_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweep", "410", "--fault", "target-write-1:EIO:once:stop:heal"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].endswith("requests, 1 faults")
    assert text.splitlines()[-1] == "1 runs, 0 violations"


@pytest.mark.slow
def test_sweep_command_with_an_ending_tries_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    counts = []
    for options in ([], ["--ending", "heal"]):
        assert main(["sweep", "410", "--every", "997", *options]) == 0
        counts.append(int(capsys.readouterr().out.split(" requests, ")[1].split()[0]))
    assert counts[0] in (2 * counts[1], 2 * counts[1] - 1)
