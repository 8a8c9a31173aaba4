"""Judging stored runs again: what today's goldens and rules say of the transcripts of then."""

from __future__ import annotations

from pathlib import Path

import command_line
import pytest
from command_line import CommandLine
from fake_suite import write_case, write_golden

from harness import analysis, trace_checks
from harness.stored_runs import RESULTS_FILE
from reference_impl.job_states import TRANSITIONS

CASE = "310-active-writes"


@pytest.fixture
def mirrorcheck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return command_line.make(tmp_path, monkeypatch, capfd)


@pytest.mark.slow
def test_golden_that_was_wrong_is_tried_again_without_running(mirrorcheck: CommandLine) -> None:
    write_case(mirrorcheck.root, CASE, "bench.say('goodbye')")
    assert mirrorcheck("run", "-j", "1")[0] == 1
    write_golden(mirrorcheck.root, f"{CASE}.out", "goodbye\n")
    write_case(mirrorcheck.root, CASE, "raise SystemExit")
    status, output, _ = mirrorcheck("analyze", "--quiet")
    assert status == 0
    assert output == (f"{CASE} reference: was fail (the transcript differs from {CASE}.out), is pass\n2 passed\n")
    write_golden(
        mirrorcheck.root,
        "deviations.toml",
        '[[deviation]]\nimplementation = "reference"\nversions = "*"\ncases = ["310-active-writes"]\n'
        'reason = "polite"\nfix = "none known"\ntranscript = "310-active-writes.polite.out"\n',
    )
    write_golden(mirrorcheck.root, "deviations/310-active-writes.polite.out", "goodbye\n")
    status, output, _ = mirrorcheck("analyze", "-q", str(mirrorcheck.latest()), "--tap", "r.tap")
    assert status == 1
    assert "stale deviation: the case passes (polite)" in output
    assert (mirrorcheck.root / "r.tap").read_text().startswith("TAP version 13\n1..2\n")


@pytest.mark.slow
def test_suite_that_is_wrong_now_fails_when_it_was_judged_then(mirrorcheck: CommandLine) -> None:
    mirrorcheck("run")
    write_golden(mirrorcheck.root, "315-gone.out")
    assert mirrorcheck("analyze")[0] == 0
    assert mirrorcheck("run")[0] == 1
    assert mirrorcheck("analyze")[0] == 1


@pytest.mark.slow
def test_run_that_was_killed_is_undecided_when_what_it_has_passes(mirrorcheck: CommandLine) -> None:
    mirrorcheck("run", "-j", "1")
    path = mirrorcheck.latest() / RESULTS_FILE
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:2]) + b'\n{"kind":"rec')
    status, output, _ = mirrorcheck("analyze", "-q")
    assert (status, output) == (
        2,
        f"the run is not complete: no record of {CASE} reference\n"
        "the last line of the results is cut and was left out\n1 passed\n",
    )


@pytest.mark.slow
def test_run_that_is_wrong_is_refused_in_one_line(mirrorcheck: CommandLine) -> None:
    mirrorcheck("run")
    path = mirrorcheck.latest() / RESULTS_FILE
    path.write_bytes(b"GIF89a")
    for command in (["analyze"], ["compare", "latest", "golden"], ["gate", "--against", "latest"], ["report"]):
        status, output, error = mirrorcheck(*command)
        assert (status, output) == (254, "")
        assert error.endswith(f"{RESULTS_FILE} is no result of mirrorcheck: line 1 is no header of a run\n")
        assert error.count("\n") == 1


def test_filters_leave_what_is_filtered_as_it_is() -> None:
    assert analysis.refiltered("node #block017 and #blockNNN\n") == "node #blockNNN and #blockNNN\n"


def test_rules_for_states_are_those_of_the_reference() -> None:
    stated = {str(state).replace("undefined", ""): set(map(str, after)) for state, after in TRANSITIONS.items()}
    stated["null"] = {"created"}
    assert {state: set(after) for state, after in trace_checks.MAY_FOLLOW.items()} == stated


def test_trace_that_breaks_a_rule_is_told_in_order() -> None:
    entries = [
        ["storage", "target", 0, "write", 0, 512, "arrived"],
        ["storage-end", "target", 0, 0],
        ["storage-end", "target", 0, 0],
        ["event", "JOB_STATUS_CHANGE", "job0", "running"],
        ["event", "JOB_STATUS_CHANGE", "job0", "null"],
        ["guest-end", 3, 0],
        ["something", "new"],
        ["cut", 6],
        ["guest-end", 4, 0],
    ]
    assert trace_checks.violations(entries) == [
        "request 0 of target ended and was not under way",
        "job job0 goes from nothing to 'running'",
        "job job0 goes from 'running' to 'null'",
        "guest request 3 ended and was not under way",
    ]


@pytest.mark.slow
def test_trace_that_breaks_a_rule_fails_the_record(mirrorcheck: CommandLine) -> None:
    mirrorcheck("run", CASE)
    trace = mirrorcheck.latest() / "reference" / CASE / "trace.jsonl"
    trace.write_text('["trace",1]\n["event","JOB_STATUS_CHANGE","job0","null"]\n')
    status, output, _ = mirrorcheck("analyze")
    assert status == 1
    assert "    wrong: job job0 goes from nothing to 'null'\n" in output
