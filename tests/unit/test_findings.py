"""What becomes of a finding: a file that says all, replay on any machine, a trace, a case."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness import cli
from harness.errors import Disagreement, UsageError
from harness.explore import promotion
from harness.explore.explorer import explore
from harness.explore.failure import FailureKind
from harness.explore.promotion import promote
from harness.explore.replay import replay
from harness.explore.report import Budget, Finding
from harness.explore.runner import run_schedule
from harness.explore.scenario import Scenario
from harness.explore.scenarios import SCENARIOS
from harness.explore.schedule_file import FIRST_LINE, Schedule, _checksum, format_schedule, parse_schedule
from harness.explore.shrink import OnProgram, shrink, shrink_on
from harness.explore.strategies import Bounded, Uniform
from harness.explore.trace_file import Timeline
from harness.explore.versus import Here, compare
from harness.implementations import Session, parse
from harness.suite import Suite

MUTANT = "reference:active-copy-after-force-cancel"


def opener_of(spec: str) -> Session:
    return parse(spec).open(Path())


@pytest.fixture(scope="module")
def finding() -> Finding:
    """A forced cancel after which a write still goes to the target, as small as it gets."""
    report = explore(lambda: opener_of(MUTANT), SCENARIOS["force-cancel"], Bounded(1), Budget(schedules=50))
    return shrink(lambda: opener_of(MUTANT), report.findings[0])


@pytest.fixture
def file(finding: Finding, tmp_path: Path) -> Path:
    path = tmp_path / "found.schedule"
    path.write_text(
        format_schedule(Schedule(finding.scenario, tuple(finding.steps), MUTANT, str(finding.failure))),
        encoding="utf-8",
    )
    return path


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    root = tmp_path / "suite"
    (root / "cases").mkdir(parents=True)
    (root / "golden").mkdir()
    return Suite.find(root)


def text_of(scenario: Scenario) -> str:
    steps = run_schedule(lambda: opener_of("reference"), scenario, lambda world, decisions: 0).steps
    return format_schedule(Schedule(scenario, tuple(steps)))


# The file


def test_lines_name_who_goes_on_and_what_happens(file: Path) -> None:
    text = file.read_text()
    steps = text.partition("\nsteps:\n")[2].splitlines()[:-1]
    assert steps
    for step in steps:
        who, _, what = step.strip().partition(": ")
        assert who in ("job", "copy") or who.startswith(("guest ", "command "))
        assert what


def test_a_file_names_no_path_and_nothing_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "qemu" / "my-reference"
    from harness.commands.explore import _portable

    assert _portable(f"qemu-storage-daemon:{program}") == "qemu-storage-daemon"
    assert _portable(MUTANT) == MUTANT
    assert _portable("qemu-storage-daemon") == "qemu-storage-daemon"


def test_every_beginning_of_a_file_is_refused_by_name() -> None:
    text = text_of(SCENARIOS["pause"])
    for length in range(len(text) - 1):  # without its last line's end it is whole
        with pytest.raises(UsageError, match=r"^x: the schedule |^x: this is (no schedule|a schedule of version)"):
            parse_schedule(text[:length], "x")


def test_every_changed_character_is_noticed() -> None:
    text = text_of(SCENARIOS["one-writer"])
    for index in range(0, len(text) - 1, 3):
        changed = text[:index] + ("~" if text[index] != "~" else "-") + text[index + 1 :]
        with pytest.raises(UsageError, match=r"^x: "):
            parse_schedule(changed, "x")


@pytest.mark.parametrize("word", ["implementation", "failure", "timers", "scenario", "claim"])
def test_a_missing_line_is_named_even_if_the_checksum_was_computed_anew(word: str) -> None:
    lines = text_of(SCENARIOS["one-writer"]).splitlines(keepends=True)[:-1]
    body = "".join(line for line in lines if not line.startswith(f"{word}: "))
    with pytest.raises(UsageError, match=f"^x: the schedule cannot be read: there is no '{word}'$"):
        parse_schedule(f"{body}end: 1 steps, sha256 {_checksum(body)}\n", "x")


def test_another_version_is_named() -> None:
    text = text_of(SCENARIOS["one-writer"]).replace(FIRST_LINE, "mirrorcheck schedule 7", 1)
    with pytest.raises(UsageError, match=r"^x: this is a schedule of version '7', and only version 1 is known$"):
        parse_schedule(text, "x")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "binary"
    path.write_bytes(bytes(range(256)))
    assert cli.main(["replay", str(path)]) == 254
    assert capsys.readouterr().err == f"mirrorcheck: error: {path}: this is no schedule: it is not text\n"


# Replay


def run_elsewhere(file: Path, folder: Path, seed: int, *more: str) -> tuple[int, str]:
    """Replay in a folder of nothing, with another home, time zone, locale and hash seed."""
    folder.mkdir()
    copy = folder / "file"
    copy.write_bytes(file.read_bytes())
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(cli.__file__).parents[1]),
        "PYTHONHASHSEED": str(seed),
        "HOME": str(folder),
        "TZ": "Pacific/Auckland",
        "LC_ALL": "C",
    }
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "replay", "file", *more],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.stderr == b""
    return done.returncode, done.stdout.decode()


def test_a_finding_replays_elsewhere_from_its_file_alone(file: Path, tmp_path: Path, finding: Finding) -> None:
    runs = [run_elsewhere(file, tmp_path / f"machine{seed}", seed) for seed in (1, 2)]
    assert runs[0] == runs[1]
    status, text = runs[0]
    assert status == 1
    count = len(finding.steps)
    assert f"matched {count} of {count} steps\n{finding.failure}\n" in text


def test_what_was_mended_is_no_longer_wrong(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", str(file), "--impl", "reference"]) == 0
    assert capsys.readouterr().out.endswith("nothing is wrong with it\n")


def test_a_schedule_that_no_longer_fits_says_where_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = SCENARIOS["one-writer"]
    steps = run_schedule(lambda: opener_of("reference"), scenario, lambda world, decisions: 0).steps
    odd = [*steps[:4], "guest nobody: source write 0+4k of 0x99", *steps[4:]]
    path = tmp_path / "old.schedule"
    path.write_text(format_schedule(Schedule(scenario, tuple(odd))))
    assert cli.main(["replay", str(path)]) == 2
    out = capsys.readouterr().out
    expected = f"matched 4 of {len(odd)} steps, first difference: expected 'guest nobody: source write 0+4k of 0x99'"
    assert expected in out
    assert sum(line[:4].strip().isdecimal() for line in out.splitlines()) == len(steps)


def test_the_timeline_shows_requests_events_and_the_bitmap(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["replay", str(file), "--impl", "reference"])
    lines = capsys.readouterr().out.splitlines()
    assert any("[o#]" in line and "source read" in line for line in lines)
    assert any(line.strip() == "event BLOCK_JOB_CANCELLED" for line in lines)


def test_a_scenario_for_models_is_refused_by_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if parse("reference").probe() and not any(
        Path(folder, "qemu-storage-daemon").exists() for folder in os.get_exec_path()
    ):
        pytest.skip("no qemu-storage-daemon here")
    path = tmp_path / "drain.schedule"
    path.write_text(text_of(SCENARIOS["drain-source"]))
    assert cli.main(["replay", str(path), "--impl", "qemu-storage-daemon"]) == 254
    assert capsys.readouterr().err == (
        "mirrorcheck: error: scenario 'drain-source' asks for what only a model can do\n"
    )


# The trace


def trace_of(scenario: Scenario, spec: str = "reference") -> list[dict[str, Any]]:
    steps = run_schedule(lambda: opener_of(spec), scenario, lambda world, decisions: len(decisions) // 2).steps
    timeline = Timeline()
    replay(lambda: opener_of(spec), scenario, steps, observe=timeline.observe)
    trace = json.loads(timeline.chrome_trace())
    assert set(trace) == {"traceEvents", "displayTimeUnit"}
    assert trace["displayTimeUnit"] in ("ms", "ns")
    events: list[dict[str, Any]] = trace["traceEvents"]
    return events


@pytest.mark.parametrize("name", ["one-writer", "crossing-writers", "errors-stop", "two-jobs", "drain-source"])
def test_a_trace_keeps_the_rules_of_its_format(name: str) -> None:
    events = trace_of(SCENARIOS[name])
    for event in events:
        assert event["ph"] in ("M", "i", "C", "b", "e")
        assert isinstance(event["pid"], int)
        assert isinstance(event["tid"], int)
        assert isinstance(event["name"], str)
        if event["ph"] != "M":
            assert isinstance(event["ts"], int)
            assert event["ts"] >= 0
        if event["ph"] == "i":
            assert event["s"] in ("g", "p", "t")
        if event["ph"] == "C":
            assert all(isinstance(value, int) for value in event["args"].values())
    named = {event["tid"] for event in events if event["ph"] == "M" and event["name"] == "thread_name"}
    assert {event["tid"] for event in events if event["ph"] != "M"} <= named
    times = [event["ts"] for event in events if event["ph"] != "M"]
    assert times == sorted(times)


@pytest.mark.parametrize("name", ["one-writer", "crossing-writers", "errors-stop", "two-jobs"])
def test_every_pair_of_a_trace_is_closed_once_and_after_it_was_opened(name: str) -> None:
    opened: dict[tuple[str, int], int] = {}
    closed: Counter[tuple[str, int]] = Counter()
    for event in trace_of(SCENARIOS[name]):
        if event["ph"] == "b":
            assert (event["cat"], event["id"]) not in opened
            opened[event["cat"], event["id"]] = event["ts"]
        elif event["ph"] == "e":
            assert event["ts"] >= opened[event["cat"], event["id"]]
            closed[event["cat"], event["id"]] += 1
    assert opened
    assert closed == Counter(dict.fromkeys(opened, 1))


def test_a_trace_shows_guests_and_operations() -> None:
    events = trace_of(SCENARIOS["one-writer"])
    pairs = {(event["cat"], event["name"]) for event in events if event["ph"] == "b"}
    assert ("requests and commands", "writer") in pairs
    assert any(track == "operations" and "copy" in name for track, name in pairs)
    dirty = [event["args"]["job0"] for event in events if event["ph"] == "C"]
    assert dirty[0] > 0
    assert dirty[-1] == 0


def test_a_trace_that_cannot_be_written_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", str(file), "--trace", "/nowhere/trace.json"]) == 254
    assert capsys.readouterr().err == (
        "mirrorcheck: error: cannot write /nowhere/trace.json: No such file or directory\n"
    )


# Shrinking on a program


def test_what_a_program_does_wrong_shrinks_beside_the_reference() -> None:
    from test_explore_real import Outside

    program = Here(lambda: Outside("reference:clean-tail-skipped"))

    def model() -> Session:
        return opener_of("reference")

    report = compare(model, program, SCENARIOS["unaligned-writer"], Uniform(1), Budget(schedules=200))
    small = shrink_on(OnProgram(model, program), report.findings[0])
    assert small.failure.kind is report.findings[0].failure.kind
    assert len(small.steps) <= len(report.findings[0].steps)
    assert sum(action.length for action in small.scenario.actions) < 8192


# Promotion


def run_suite(suite: Suite, *arguments: str) -> int:
    return cli.main(["run", "--suite", str(suite.root), "-j", "1", "--results", str(suite.root / "r"), *arguments])


def test_a_promoted_finding_is_a_case_that_the_mutant_fails(file: Path, suite: Suite) -> None:
    case, golden = promote(file, 799, suite)
    assert case.name == "799-force-cancel.py"
    assert golden.read_text().endswith("nothing is wrong with it\n")
    assert run_suite(suite, "799", "--impl", "reference") == 0
    assert run_suite(suite, "799", "--impl", MUTANT) == 1


def test_a_promoted_case_has_a_header_and_the_schedule_as_it_was(file: Path, suite: Suite) -> None:
    path, _ = promote(file, 799, suite)
    (case,) = suite.cases()
    assert case.needs == ("decisions",)
    assert list(case.groups) == ["explored"]
    header = path.read_text().partition('"""\n')[0]
    assert MUTANT in header
    assert max(map(len, header.splitlines())) <= 120
    namespace: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    assert namespace["SCHEDULE"] == file.read_text()


def test_text_with_quotes_and_backslashes_survives_promotion(finding: Finding, tmp_path: Path, suite: Suite) -> None:
    failure = 'wrong data: "\\x00" and \\ and """ in it'
    path = tmp_path / "odd.schedule"
    path.write_text(format_schedule(Schedule(finding.scenario, tuple(finding.steps), MUTANT, failure)))
    case, _ = promote(path, 798, suite)
    namespace: dict[str, Any] = {}
    exec(compile(case.read_text(), str(case), "exec"), namespace)
    assert namespace["SCHEDULE"] == path.read_text()
    assert run_suite(suite, "798", "--impl", "reference") == 0


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("123", "number 123 is not from 700 to 799, where schedules of this scenario are"),
        ("800", "number 800 is not from 700 to 799, where schedules of this scenario are"),
        ("7x9", "'7x9' is not a number of three digits"),
        ("79", "'79' is not a number of three digits"),
        ("-79", "'-79' is not a number of three digits"),
    ],
)
def test_a_wrong_number_is_refused(
    file: Path, suite: Suite, capsys: pytest.CaptureFixture[str], number: str, text: str
) -> None:
    assert cli.main(["promote", str(file), "--suite", str(suite.root), "--", number]) == 254
    assert capsys.readouterr().err == f"mirrorcheck: error: {text}\n"
    assert not list(suite.cases_folder.iterdir())


def test_a_taken_number_is_refused_by_the_name_of_who_has_it(file: Path, suite: Suite) -> None:
    promote(file, 799, suite)
    with pytest.raises(UsageError, match=r"^number 799 is taken by 799-force-cancel$"):
        promote(file, 799, suite)


def test_a_golden_without_a_case_is_not_overwritten(file: Path, suite: Suite) -> None:
    golden = suite.root / "golden" / "799-force-cancel.out"
    golden.write_text("mine\n")
    with pytest.raises(UsageError, match=r"799-force-cancel\.out is there already, and there is no case of that name$"):
        promote(file, 799, suite)
    assert golden.read_text() == "mine\n"
    assert not list(suite.cases_folder.iterdir())


def test_a_schedule_that_fails_on_the_reference_is_no_case_yet(
    file: Path, suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion, "parse", lambda spec: parse(MUTANT))
    with pytest.raises(Disagreement, match=r"^invariant broken: job0 is cancelled"):
        promote(file, 799, suite)
    assert cli.main(["promote", str(file), "799", "--suite", str(suite.root)]) == 1
    assert not list(suite.cases_folder.iterdir())
    assert not list((suite.root / "golden").iterdir())


def test_a_finding_of_a_program_becomes_a_case_for_programs(tmp_path: Path, suite: Suite) -> None:
    scenario = SCENARIOS["three-writers"]
    run = run_schedule(lambda: opener_of("reference"), scenario, lambda world, decisions: 0, coarse=True)
    path = tmp_path / "real.schedule"
    schedule = Schedule(scenario, tuple(run.steps), "qemu-storage-daemon", "crash: it ended", coarse=True)
    path.write_text(format_schedule(schedule))
    case_path, golden = promote(path, 797, suite)
    (case,) = suite.cases()
    assert set(case.needs) == {"blockdev-mirror", "job-complete", "copy-mode=write-blocking"}
    assert run_suite(suite, "797", "--impl", "reference") == 0
    lines = golden.read_text().splitlines()
    assert lines[0] == f"three-writers: {scenario.claim}"
    assert "event JOB_STATUS_CHANGE job0 null" in lines
    assert case_path.exists()
    if any(Path(folder, "qemu-storage-daemon").exists() for folder in os.get_exec_path()):
        assert run_suite(suite, "797", "--impl", "qemu-storage-daemon") == 0


def test_kinds_of_failures_are_written_and_read() -> None:
    for kind, coarse in itertools.product(FailureKind, (False, True)):
        schedule = Schedule(SCENARIOS["pause"], ("a", "b"), "reference", f"{kind}: text: with colons", coarse)
        assert parse_schedule(format_schedule(schedule), "x") == schedule
