"""Comparing: which rows differ, where first, and whether there is a reason."""

from __future__ import annotations

import json
from pathlib import Path

import command_line
import pytest
from command_line import CommandLine
from fake_suite import make_record, write_case, write_golden

from harness import comparison
from harness.comparison import Column, compare
from harness.deviations import Deviation, Deviations
from harness.golden import Goldens
from harness.records import RunStatus, Verdict
from harness.stored_runs import CaseInfo

CASE = "310-active-writes"
DEVIATION = Deviation(
    implementation="fake", versions="<2", cases=(CASE,), reason="polite", fix="none known", transcript=f"{CASE}.x.out"
)


@pytest.fixture
def mirrorcheck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return command_line.make(tmp_path, monkeypatch, capfd)


def column(name: str, verdict: Verdict = Verdict.PASS, **fields: object) -> Column:
    return Column(name=name, records={CASE: make_record(verdict, **fields)})


def row_of(
    *columns: Column, deviations: Deviations | None = None, golden: str = "hello\n", folder: Path
) -> comparison.Row:
    (folder / f"{CASE}.out").write_text(golden)
    (row,) = compare(columns, [CASE], Goldens(folder), deviations or Deviations()).rows
    return row


def test_equal_outcomes_have_one_letter_and_no_difference(tmp_path: Path) -> None:
    row = row_of(column("a"), column("b"), Column(name="golden", is_golden=True), folder=tmp_path)
    assert [cell.letter for cell in row.cells.values()] == ["a", "a", "a"]
    assert row.differences == []
    assert row.is_explained


def test_difference_names_the_first_step_and_is_unexplained(tmp_path: Path) -> None:
    row = row_of(column("a"), column("b", Verdict.FAIL, transcript="hello\nmore\n"), column("c"), folder=tmp_path)
    assert [cell.letter for cell in row.cells.values()] == ["a", "b", "a"]
    (difference,) = row.differences
    assert (difference.left, difference.right, difference.step, difference.explanation) == ("a", "b", 2, "")


def test_same_transcript_that_ends_otherwise_differs(tmp_path: Path) -> None:
    row = row_of(column("a"), column("b", Verdict.FAIL, status=RunStatus.CRASH, reason="gone"), folder=tmp_path)
    (difference,) = row.differences
    assert difference.step is None
    assert not row.is_explained


def test_known_deviation_explains(tmp_path: Path) -> None:
    known = column("b", Verdict.KNOWN, transcript="goodbye\n", reason="polite")
    row = row_of(column("a"), known, deviations=Deviations([DEVIATION]), folder=tmp_path)
    assert row.differences[0].explanation == "known deviation of fake: polite (fix: none known)"


def test_two_variants_explain_and_a_failure_does_not(tmp_path: Path) -> None:
    one = column("a", golden=f"{CASE}.out")
    other = column("b", transcript="other\n", golden=f"{CASE}.other.out")
    row = row_of(one, other, folder=tmp_path)
    assert row.differences[0].explanation == f"lawful variants: {CASE}.out and {CASE}.other.out"
    wrong = column("b", Verdict.FAIL, transcript="other\n", golden=f"{CASE}.other.out")
    assert not row_of(one, wrong, folder=tmp_path).is_explained


def test_skipped_and_missing_take_no_part(tmp_path: Path) -> None:
    skipped = column("b", Verdict.SKIP, status=RunStatus.SKIPPED, transcript="")
    row = row_of(column("a"), skipped, Column(name="c"), folder=tmp_path)
    assert [(cell.outcome, cell.letter) for cell in row.cells.values()] == [("pass", "a"), ("skip", ""), ("-", "")]
    assert row.differences == []


def test_more_outcomes_than_letters_still_differ(tmp_path: Path) -> None:
    columns = [column(f"c{index}", transcript=f"{index}\n") for index in range(30)]
    row = row_of(*columns, folder=tmp_path)
    assert len(row.differences) == 29


def test_cases_are_selected_by_group_and_feature() -> None:
    infos = [CaseInfo(id="100-a", groups=["quick"], needs=["x"]), CaseInfo(id="200-b", groups=["slow"])]
    nothing: list[str] = []
    select = comparison.selected_cases
    assert select(infos, groups=["quick"], excluded_groups=nothing, features=nothing) == ["100-a"]
    assert select(infos, groups=nothing, excluded_groups=["quick"], features=nothing) == ["200-b"]
    assert select(infos, groups=nothing, excluded_groups=nothing, features=["x"]) == ["100-a"]


@pytest.mark.slow
def test_command_shows_matrix_and_transcripts_and_is_1(mirrorcheck: CommandLine) -> None:
    write_case(mirrorcheck.root, CASE, "bench.say('one')\nbench.say(bench.version)\nbench.say('three')")
    status, output, error = mirrorcheck("compare", "-j", "1", "fake", "fake:2.0", "golden")
    assert (status, error) == (1, "")
    assert output.splitlines()[:7] == [
        "1: fake (1.0)",
        "2: fake:2.0 (2.0)",
        "3: golden",
        "",
        "case               1       2       3",
        "310-active-writes  a fail  b fail  c expected  unexplained",
        "",
    ]
    picture = output.splitlines()[7:12]
    assert picture[:2] == ["310-active-writes: fake (a) and fake:2.0 (b) differ at step 2", "  unexplained"]
    assert picture[3].split() == [">", "2", "1.0", "≠", "2", "2.0"]
    assert output.endswith("\nequal: 100-life\n1 equal, 1 different: 0 explained, 1 unexplained\n")
    short = mirrorcheck("compare", "-j", "1", "fake", "fake:2.0", "--only-differences", "--no-transcripts")[1]
    assert "equal:" not in short
    assert "≠" not in short


@pytest.mark.slow
def test_command_compares_stored_runs_with_each_other_and_json_says_it(mirrorcheck: CommandLine) -> None:
    mirrorcheck("run", "--results", "one")
    write_case(mirrorcheck.root, CASE, "bench.say('goodbye')")
    mirrorcheck("run", "--results", "two")
    status, _, error = mirrorcheck("compare", "one", "one/latest")
    assert (status, error) == (0, "")
    status, output, _ = mirrorcheck("compare", "one", "two", "--json")
    document = json.loads(output)
    assert status == 1
    assert [row["case"] for row in document["rows"] if row["differences"]] == [CASE]
    assert (document["equal"], document["unexplained"]) == (1, 1)
    assert mirrorcheck("compare", "one", "golden")[0] == 0
    write_golden(mirrorcheck.root, f"{CASE}.out", "goodbye\n")
    assert mirrorcheck("compare", "one", "golden")[0] == 1


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["fake"], 254, "there is only 'fake' to compare; give two or more"),
        (["fake", "fake"], 254, "the implementation 'fake' is given twice"),
        (["golden", "golden"], 254, "'golden' is given twice"),
        (["fake", "golden", "-g", "none"], 254, "unknown group 'none': known are quick"),
        (["fake", "golden", "--feature", "x"], 2, "no case is selected"),
    ],
)
@pytest.mark.slow
def test_command_that_is_mistaken_is_told_so(
    mirrorcheck: CommandLine, arguments: list[str], status: int, message: str
) -> None:
    assert mirrorcheck("compare", *arguments) == (status, "", f"mirrorcheck: error: {message}\n")


def test_column_that_is_nothing_is_named(mirrorcheck: CommandLine) -> None:
    status, _, error = mirrorcheck("compare", "fake", "nonsense")
    assert status == 254
    assert error == (
        f"mirrorcheck: error: there is no run 'nonsense' here or in {mirrorcheck.results}, "
        "and it is no implementation (see 'mirrorcheck doctor')\n"
    )


@pytest.mark.slow
def test_implementation_that_cannot_be_started_is_125(mirrorcheck: CommandLine) -> None:
    assert mirrorcheck("compare", "fake:absent", "golden")[0] == 125


@pytest.mark.slow
def test_command_on_a_terminal_shows_a_table(mirrorcheck: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    write_case(mirrorcheck.root, CASE, "bench.say('goodbye')")
    mirrorcheck("run")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    _, output, _ = mirrorcheck("compare", "latest", "golden", "--no-transcripts")
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert lines[0] == "case 1: latest 2: golden"
    assert lines[1] == "310-active-writes a fail b expected unexplained"
    assert "\x1b[3" not in output
