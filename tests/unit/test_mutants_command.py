"""`mirrorcheck mutants`: its rows, its last line, its status."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import cli

ROOT = Path(__file__).parents[2]


def run(capture: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str], str]:
    status = cli.main(["mutants", "--suite", str(ROOT), *arguments])
    captured = capture.readouterr()
    return status, captured.out.splitlines(), captured.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such-bug"], "there is no mutant 'no-such-bug': 'mirrorcheck mutants --list' names them"),
        (["throttle-lost", "throttle-lost"], "the mutant 'throttle-lost' is given twice"),
        (["--tables", "ready"], "there is no cell 'ready': cells are named like 'transition-running-ready'"),
    ],
)
def test_unknown_name_is_refused(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, error = run(capsys, *arguments)
    assert status == 254
    assert message in error


@pytest.mark.slow
def test_mutant_that_a_case_catches_is_a_row_and_the_reference_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    only = ("--cases", "134", "--no-sweep", "--no-explorer")
    status, lines, _ = run(capsys, "complete-refused-on-standby", *only)
    assert status == 0
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["complete-refused-on-standby"] == ["1", "134-complete-in-standby"]
    assert rows["reference"] == ["-", "nothing,", "as", "it", "must"]
    assert lines[-1] == "1 of 1 mutants, 0 survive; no false alarm on the reference"


@pytest.mark.slow
def test_mutant_that_nothing_catches_survives(capsys: pytest.CaptureFixture[str]) -> None:
    status, lines, _ = run(capsys, "throttle-lost", "--cases", "010", "--no-sweep", "--no-explorer")
    assert status == 1
    assert any(line.split() == ["throttle-lost", "-", "SURVIVES"] for line in lines)
    assert lines[-1].startswith("1 of 1 mutants, 1 survive;")


@pytest.mark.slow
def test_quick_look_is_content_with_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    only = ("--cases", "010", "--no-sweep", "--no-explorer")
    status, lines, _ = run(capsys, "pause-defeats-rate-limit", "throttle-lost", "--quick", *only)
    assert status == 0
    rows = {line.split()[0]: line for line in lines}
    assert "scenario limited after 1 schedule" in rows["pause-defeats-rate-limit"]
    assert lines[-1].startswith("2 of 2 mutants, 0 survive;")


@pytest.mark.slow
def test_flipped_cell_is_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    status, lines, _ = run(capsys, "--tables", "verb-complete-standby", "transition-null-ready")
    assert status == 0
    assert sorted(lines[:2]) == [
        "transition-null-ready  199-job-states",
        "verb-complete-standby  102-verbs-allowed",
    ]
    assert lines[2].startswith("2 of 2 cells flipped, 0 survive; 1 are noticed by 199-job-states alone")
