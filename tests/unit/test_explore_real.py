"""Schedules on a program of which only the outside is seen: names, scripts, what is lawful, what is a finding."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.errors import UsageError
from harness.explore import known, versus
from harness.explore.building import G, complete, disks, mirror, read, write
from harness.explore.decision import Decision
from harness.explore.failure import Failure, FailureKind
from harness.explore.following import Follower, follow
from harness.explore.occurrences import Recorder, ScriptStep, script_from_labels
from harness.explore.report import Budget, Report
from harness.explore.runner import Run, run_schedule
from harness.explore.scenario import READY, Scenario
from harness.explore.scenarios import SCENARIOS
from harness.explore.strategies import Bounded, Everything, Pct, Uniform
from harness.explore.versus import Here, Repeated, compare
from harness.explore.workers import Workers
from harness.implementations import Session, parse
from harness.implementations.base import BitmapPort, GuestPort, PendingCommand
from harness.storage import HeldStorage

REFERENCE = parse("reference")
ONE_WRITER = SCENARIOS["one-writer"]

needs_qemu = pytest.mark.skipif(shutil.which("qemu-storage-daemon") is None, reason="no qemu-storage-daemon here")


def fresh() -> Session:
    return REFERENCE.open(Path())


class Outside(Session):
    """The reference as a real program shows itself: nothing of its inside, timers that fire by themselves."""

    def __init__(self, spec: str = "reference") -> None:
        super().__init__()
        self._inner = parse(spec).open(Path())
        self.events = self._inner.events
        self.commands: list[str] = []

    def attach(self, name: str, storage: HeldStorage, *, read_only: bool = False, unmap: bool = False) -> None:
        self._inner.attach(name, storage, read_only=read_only, unmap=unmap)

    def open_guest(self, node_name: str) -> GuestPort:
        return self._inner.open_guest(node_name)

    def open_bitmap(self, node_name: str, bitmap_name: str) -> BitmapPort:
        return self._inner.open_bitmap(node_name, bitmap_name)

    def submit_command(self, name: str, arguments: Mapping[str, Any]) -> PendingCommand:
        self.commands.append(name)
        return self._inner.submit_command(name, arguments)

    def settle(self) -> None:
        self._inner.settle()

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        self._inner.wait(condition, what)

    def let_time_pass(self) -> None:
        if self._inner.stepping.next_timer() is not None:  # type: ignore[attr-defined]
            self._inner.let_time_pass()

    def close(self) -> None:
        self._inner.close()


def recorded(scenario: Scenario, strategy: Uniform | Pct | None = None) -> tuple[list[ScriptStep], Run]:
    choose = next(iter((strategy or Uniform(3)).choosers(Report(scenario))))
    recorder = Recorder(choose)
    run = run_schedule(fresh, scenario, recorder.choose, coarse=True)
    assert run.failure is None
    return recorder.script, run


# Names


def test_requests_that_look_alike_are_numbered_in_the_order_of_their_arrival() -> None:
    scenario = Scenario(
        name="alike",
        claim="a read that looks like the copy's",
        disks=disks(1),
        setup=(mirror(buf_size=G),),
        actions=(read("reader", 0, G), complete()),
    )
    recorder = Recorder(lambda world, decisions: len(decisions) - 1)  # the reader's before the copy's
    run_schedule(fresh, scenario, recorder.choose, coarse=True)
    named = {step.label: step.name for step in recorder.script}
    assert named["copy: source read 0+4k"] == "source read 0+4k #1"
    assert named["guest reader: source read 0+4k"] == "source read 0+4k #2"


def test_a_script_leaves_out_flushes_and_timers_and_says_where_time_passes() -> None:
    script = script_from_labels(
        [
            "copy: source read 0+4k",
            "job: target flush",
            "job: job job0 sleeps",
            "guest writer: starts",
            "job: job job0 sleeps, later",
            "copy: source read 0+4k",
            "copy: target write 0+4k of 0xa1 fails with EIO",
        ]
    )
    assert [(step.name, step.after_time) for step in script] == [
        ("source read 0+4k #1", False),
        ("guest writer: starts", False),
        ("source read 0+4k #2", True),
        ("target write 0+4k of 0xa1 #1 fails with EIO", False),
    ]


def test_a_recorded_script_is_that_of_its_labels_where_nothing_looks_alike() -> None:
    script, run = recorded(ONE_WRITER)
    assert [step.name for step in script_from_labels(run.steps)] == [step.name for step in script]


# Following


@pytest.mark.parametrize("name", sorted(name for name, scenario in SCENARIOS.items() if scenario.is_real))
def test_the_reference_seen_from_outside_goes_as_the_reference(name: str) -> None:
    scenario = SCENARIOS[name]
    report = compare(fresh, Here(Outside), scenario, Uniform(1), Budget(schedules=10))
    assert not report.findings
    assert report.schedules == 10


def test_a_script_that_cannot_be_followed_says_where_and_goes_on() -> None:
    script, _ = recorded(ONE_WRITER)
    odd = ScriptStep("guest nobody: starts", "guest nobody: starts")
    run, follower = follow(Outside, ONE_WRITER, [*script[:2], odd, *script[2:]])
    assert follower.matched == 2
    assert follower.summary().startswith(
        f"matched 2 of {len(script) + 1} steps, first difference: expected 'guest nobody: starts', offered were '"
    )
    assert run.failure is None
    assert follower.difference


def test_a_scenario_that_ends_before_its_script_differs() -> None:
    script, _ = recorded(ONE_WRITER)
    _, follower = follow(Outside, ONE_WRITER, [*script, ScriptStep("more", "guest more: starts")])
    assert follower.difference == "the scenario ended before 'guest more: starts'"


def test_a_script_that_ends_before_its_scenario_differs() -> None:
    script, _ = recorded(ONE_WRITER)
    _, follower = follow(Outside, ONE_WRITER, script[:-1])
    assert follower.difference.startswith("expected the end, offered were '")


# What is a finding


def test_a_program_with_a_bug_is_found_and_the_schedule_is_the_models() -> None:
    report = compare(
        fresh,
        Here(lambda: Outside("reference:clean-tail-skipped")),
        SCENARIOS["unaligned-writer"],
        Pct(3, 1),
        Budget(schedules=200),
    )
    (finding,) = report.findings
    assert finding.coarse
    assert finding.steps
    assert report.schedules == finding.schedules


def test_a_failure_that_is_known_is_counted_and_is_no_finding() -> None:
    class Crashing(Here):
        def repeat(self, *arguments: Any) -> Future[Repeated]:
            future: Future[Repeated] = Future()
            future.set_result(Repeated(1, None, Failure(FailureKind.CRASH, "it ended: was killed by SIGABRT")))
            return future

    def is_known(failure: Failure) -> str:
        return "it is old" if "SIGABRT" in failure.text else ""

    report = compare(fresh, Crashing(fresh), ONE_WRITER, Uniform(1), Budget(schedules=5), is_known=is_known)
    assert not report.findings
    assert "known, 5 times: it is old" in report.lines()
    report = compare(fresh, Crashing(fresh), ONE_WRITER, Uniform(1), Budget(schedules=5))
    assert [finding.schedules for finding in report.findings] == [1]


def test_the_order_of_two_jobs_events_is_their_own_affair() -> None:
    one = (("A job0 x", "A job1 y"), (), ())
    other = (("A job1 y", "A job0 x"), (), ())
    assert versus.difference(one, other) == ""
    assert versus.difference(one, (("A job0 z", "A job1 y"), (), ())) == (
        "events of job0: A job0 x on the model, A job0 z on the other"
    )
    assert versus.difference(one, (("A job0 x",), (), ())) == "events of job1: 1 on the model, 0 on the other"


def test_pauses_are_taken_out_in_pairs_only() -> None:
    def states(*words: str) -> list[str]:
        return [f"JOB_STATUS_CHANGE job0 {word}" for word in words]

    assert versus.without_pauses(states("running", "paused", "running", "ready")) == states("running", "ready")
    assert versus.without_pauses(states("running", "paused", "aborting")) == states("running", "paused", "aborting")


def test_answers_and_contents_are_compared() -> None:
    assert versus.difference(((), (("a", "ok"),), ()), ((), (("a", "EIO"),), ())) == (
        "answers: ('a', 'ok') on the model, ('a', 'EIO') on the other"
    )
    assert versus.difference(((), (), (("source", 1),)), ((), (), (("source", 2),))) == (
        "contents: ('source', 1) on the model, ('source', 2) on the other"
    )


def test_a_strategy_that_gives_schedules_up_can_be_compared() -> None:
    scenario = Scenario(
        name="apart",
        claim="two writers of two granules",
        disks=disks(2),
        setup=(mirror(),),
        actions=(write("one", 0, G, 1, READY), write("two", G, G, 2, READY), complete("two")),
    )
    report = compare(fresh, Here(Outside), scenario, Everything(), Budget(schedules=20))
    assert not report.findings


def test_bounded_schedules_are_compared_to_the_last() -> None:
    report = compare(fresh, Here(Outside), SCENARIOS["complete-paused"], Bounded(1), Budget())
    assert report.is_exhausted
    assert "nothing is left" in report.lines()


def test_interruption_keeps_the_report() -> None:
    class Interrupted(Here):
        count = 0

        def repeat(self, *arguments: Any) -> Future[Repeated]:
            self.count += 1
            if self.count > 3:
                raise KeyboardInterrupt
            return super().repeat(*arguments)

    report = compare(fresh, Interrupted(Outside), ONE_WRITER, Uniform(1), Budget(schedules=10))
    assert report.is_interrupted
    assert report.schedules == 3


# What is known


def test_the_table_of_known_failures_can_be_read_and_speaks_of_scenarios_that_there_are() -> None:
    for entry in known.read():
        assert set(entry.scenarios) <= set(SCENARIOS)
        assert entry.reason
        assert entry.fix


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"versions": "new"}, "versions 'new' is neither '\\*' nor conditions such as '>=5.2,<6.1'"),
        ({"failure": "("}, "known.toml: missing \\), unterminated subpattern at position 0"),
        ({"odd": "x"}, "known.toml: Object contains unknown field `odd` - at `\\$.known\\[0\\]`"),
    ],
)
def test_a_broken_table_of_known_failures_is_refused(tmp_path: Path, change: dict[str, str], text: str) -> None:
    entry = {"implementation": "x", "versions": "*", "failure": "crash.*", "reason": "r", "fix": "f"} | change
    lines = ["[[known]]", "scenarios = ['pause']", *(f'{name} = "{value}"' for name, value in entry.items())]
    path = tmp_path / "known.toml"
    path.write_text("\n".join(lines))
    with pytest.raises(UsageError, match=f"^{text}$"):
        known.read(path)


def test_a_known_failure_is_known_of_its_versions_scenarios_and_kind_only() -> None:
    entry = known.KnownFailure(
        implementation="qemu-*", versions="<8", scenarios=("pause",), failure="crash: .*", reason="old", fix="f"
    )
    crash, hang = Failure(FailureKind.CRASH, "x"), Failure(FailureKind.HANG, "x")
    spec = "qemu-storage-daemon:/somewhere/else"
    assert known.reason_of([entry], "pause", spec, "7.2.22", crash) == "old"
    assert known.reason_of([entry], "pause", spec, "8.0.0", crash) == ""
    assert known.reason_of([entry], "reader", spec, "7.2.22", crash) == ""
    assert known.reason_of([entry], "pause", spec, "7.2.22", hang) == ""
    assert known.reason_of([entry], "pause", "reference", "7.2.22", crash) == ""


# A real one


@needs_qemu
def test_the_number_of_workers_changes_nothing() -> None:
    reports = []
    for jobs in (1, 3):
        with Workers("qemu-storage-daemon", jobs) as workers:
            reports.append(compare(fresh, workers, SCENARIOS["unaligned-writer"], Pct(3, 4), Budget(schedules=12)))
    assert not reports[0].findings
    assert not reports[1].findings
    assert reports[0].schedules == reports[1].schedules == 12
    assert reports[0].outcomes == reports[1].outcomes


@needs_qemu
def test_follower_on_a_real_program_matches_every_step(tmp_path: Path) -> None:
    implementation = parse("qemu-storage-daemon")
    implementation.probe()
    script, _ = recorded(SCENARIOS["three-writers"])
    run, follower = follow(lambda: implementation.open(tmp_path), SCENARIOS["three-writers"], script)
    assert run.failure is None
    assert follower.summary() == f"matched {len(script)} of {len(script)} steps"


def test_a_follower_knows_when_a_command_is_answered_later_than_on_the_model() -> None:
    def complete_first(world: object, decisions: list[Decision]) -> int:
        labels = [decision.label for decision in decisions]
        return labels.index("command complete: starts") if "command complete: starts" in labels else 0

    recorder = Recorder(complete_first)
    run_schedule(fresh, ONE_WRITER, recorder.choose, coarse=True)
    follower = Follower(recorder.script)

    class Deaf(Outside):
        def submit_command(self, name: str, arguments: Mapping[str, Any]) -> PendingCommand:
            pending = super().submit_command(name, arguments)
            return PendingCommand(name, arguments) if name == "job-complete" else pending

    run_schedule(Deaf, ONE_WRITER, follower.choose, coarse=True)
    assert follower.was_blocked


# The command


@needs_qemu
def test_command_explores_a_program_with_workers(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--impl", "qemu-storage-daemon", "--strategy", "pct", "--schedules", "6", "-j", "2"]
    assert cli.main(["explore", *arguments, "one-writer", "drain-source", "async-writer"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "drain-source: only a model can run it"
    assert lines[1] == "async-writer: needs copy-mode=write-async"
    assert lines[2].startswith("one-writer: PCT of depth 3, seed 0, compared, ")
    assert any(line.startswith("    6 schedules, ") for line in lines)


@needs_qemu
def test_command_with_nothing_that_a_program_can_run_is_undecided(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explore", "--impl", "qemu-storage-daemon", "drain-source"]) == 2
    assert capsys.readouterr().out == "drain-source: only a model can run it\n"


@needs_qemu
def test_ctrl_c_ends_exploring_a_program_with_what_is_known_and_leaves_nothing() -> None:
    # Not pytest's folder: with the worker's name in it, its path is longer than that of a socket may be.
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
        interrupt_exploring(Path(folder))


def interrupt_exploring(folder: Path) -> None:
    command = [sys.executable, "-m", "harness.cli", "explore", "--impl", "qemu-storage-daemon", "--seconds", "600"]
    with subprocess.Popen(
        [*command, "-j", "2", "other-size", "crossing-writers"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline().startswith("other-size: at most 2 preemptions, compared, ")
        os.killpg(program.pid, signal.SIGINT)  # as a terminal does: to all of them
        assert program.wait(60) == 2
        assert "Traceback" not in program.stderr.read()
    assert list(folder.iterdir()) == []
