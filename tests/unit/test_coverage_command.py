"""`mirrorcheck coverage` and `mirrorcheck rows`, as commands; what they find is tested beside what finds it."""

from __future__ import annotations

import json
from pathlib import Path

import command_line
import pytest
from command_line import CommandLine
from fake_suite import write_case, write_golden

import harness.implementations.reference  # before the stand-in for implementations is put into place
from harness import cli, suite

SAID = """\
bench.say('event JOB_STATUS_CHANGE {"id": "j", "status": "created"}')
bench.say('event JOB_STATUS_CHANGE {"id": "j", "status": "running"}')
"""
PRINTED = """\
event JOB_STATUS_CHANGE {"id": "j", "status": "created"}
event JOB_STATUS_CHANGE {"id": "j", "status": "running"}
"""

assert harness.implementations.reference.mutant_rows()


@pytest.fixture
def mirrorcheck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    made = command_line.make(tmp_path, monkeypatch, capfd)
    write_case(made.root, "100-life", SAID)
    write_golden(made.root, "100-life.out", PRINTED)
    return made


@pytest.mark.slow
def test_coverage_runs_cases_and_names_what_they_never_show(mirrorcheck: CommandLine) -> None:
    status, output, error = mirrorcheck("coverage", "-j", "1")
    assert (status, error) == (1, "")
    lines = output.splitlines()
    assert lines[0].startswith("coverage of reference: 2 transitions, 0 cells of verbs, 1 job events, 0 error texts,")
    assert "    transition running -> paused" in lines
    assert "    transition created -> running" not in lines


@pytest.mark.slow
def test_coverage_of_a_stored_run_is_that_of_the_run(mirrorcheck: CommandLine) -> None:
    ran = mirrorcheck("coverage", "-j", "1")
    assert mirrorcheck("coverage", "--of", "latest") == ran
    assert mirrorcheck("coverage", "--of", str(mirrorcheck.latest())) == ran


@pytest.mark.parametrize("more", [["100"], ["--impl", "reference"], ["-g", "quick"]])
def test_coverage_of_a_stored_run_with_a_selection_is_254(mirrorcheck: CommandLine, more: list[str]) -> None:
    status, output, error = mirrorcheck("coverage", "--of", "latest", *more)
    assert (status, output) == (254, "")
    assert error == (
        "mirrorcheck: error: --of takes the run as it is: neither cases nor groups nor implementations can be chosen\n"
    )


@pytest.mark.slow
def test_run_of_somebody_elses_suite_says_nothing_of_coverage(mirrorcheck: CommandLine) -> None:
    status, output, _ = mirrorcheck("run", "-j", "1")
    assert status == 0
    assert "coverage" not in output


@pytest.mark.slow
def test_run_of_the_whole_suite_ends_with_coverage_on_the_terminal_and_in_json(
    mirrorcheck: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(suite.Suite, "is_ours", True)
    report = tmp_path / "report.jsonl"
    status, output, _ = mirrorcheck("run", "-j", "1", "--json", str(report))
    assert status == 0
    *_, last = output.splitlines()
    assert last == "2 passed"
    assert "coverage of reference: 2 transitions" in output
    *_, coverage = report.read_text().splitlines()
    assert "transition running -> paused" in json.loads(coverage)["coverage"]["unseen"]
    for selection in (["100"], ["-x", "slow", "310"]):
        assert "coverage" not in mirrorcheck("run", "-j", "1", *selection)[1]


def test_rows_of_our_suite_are_all_known_and_say_what_stands_for_them(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rows", "--check"]) == 0
    assert capfd.readouterr().out == ""
    assert cli.main(["rows", "QE-05", "UT-1", "C44"]) == 0
    lines = {line.split("  ")[0]: line for line in capfd.readouterr().out.splitlines()}
    assert "112-finalize-dismiss" in lines["QE-05"]
    assert "(no command puts a mirror into a transaction with others;" in lines["UT-1"]
    assert "reference:in-flight-bytes-overflow" in lines["C44"]


def test_rows_that_the_reference_can_test_are_all_stood_for(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rows", "--missing"]) == 0
    assert capfd.readouterr().out == ""
