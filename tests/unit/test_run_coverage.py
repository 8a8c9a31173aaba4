"""What a run's transcripts reach, for the terminal and the page."""

from __future__ import annotations

from fake_suite import make_record

from harness import run_coverage
from harness.records import Verdict
from harness.run_coverage import Expectation
from harness.suite import Suite

TRANSCRIPT = """\
event JOB_STATUS_CHANGE {"id": "job0", "status": "created"}
event JOB_STATUS_CHANGE {"id": "job0", "status": "running"}
-> job-pause {"id": "job0"}
<- {"return": {}}
"""


def test_lines_say_what_is_reached_and_what_is_known() -> None:
    record = make_record(transcript=TRANSCRIPT)
    lines = run_coverage.of_records(
        [record, make_record(implementation="other")], {record.case: ["QE-05", "041-Q", "docs/cases.md"]}
    )
    known = {line.dimension: line.known for line in lines if not line.case}
    reached = {line.dimension: line.reached for line in lines if line.case}
    assert reached == {
        "transitions": ["created -> running", "undefined -> created"],
        "verbs in states": ["pause in running: accepted"],
        "events": ["JOB_STATUS_CHANGE"],
        "rows": ["041-Q-cor", "041-Q-explicit_mirror_filter", "041-Q-implicit_mirror_filter", "QE-05"],
    }
    for dimension in ("transitions", "verbs in states", "events"):
        assert set(reached[dimension]) <= set(known[dimension])
    assert "Job not found" in known["error texts"]
    assert "QE-05" in known["rows"]


def test_run_without_a_job_and_nonsense_have_nothing() -> None:
    assert run_coverage.of_records([make_record()], {}) == []
    nonsense = make_record(transcript='event JOB_STATUS_CHANGE {"x": 1}\n-> job-pause []\n<- [\n')
    run_coverage.of_records([nonsense], {})


def test_row_is_seen_when_a_case_that_names_it_passed() -> None:
    passed = make_record(case="110-one", transcript=TRANSCRIPT)
    failed = make_record(case="120-two", verdict=Verdict.FAIL)
    skipped = make_record(case="130-three", verdict=Verdict.SKIP)
    sources = {"110-one": ["QE-05"], "120-two": ["QE-05", "QE-06"], "130-three": ["QE-07"]}
    (found,) = run_coverage.of_run([passed, failed, skipped], Expectation(sources, standing=frozenset({"C1", "TD-2"})))
    rows = [line for line in found.unseen() if line.startswith("row ")]
    assert any(line.startswith("row QE-06, for which no case passed") for line in rows)
    assert any(line.startswith("row QE-08, which no case stands for") for line in rows)
    for row_id in ("QE-05", "QE-07", "C1", "TD-2"):
        assert not any(line.startswith(f"row {row_id},") for line in rows)


def test_lines_begin_with_the_counts_and_name_what_is_unseen() -> None:
    record = make_record(transcript=TRANSCRIPT)
    (found,) = run_coverage.of_run([record], Expectation({record.case: []}))
    head, *names = found.lines()
    assert head.startswith(f"coverage of {record.implementation}: 2 transitions, 1 cells of verbs, 1 job events, ")
    assert "    transition running -> paused" in names
    assert head.endswith(f"{len(names)} unseen:")


def test_implementation_that_lacks_a_command_is_not_asked_for_its_cells_and_texts() -> None:
    record = make_record(transcript=TRANSCRIPT)
    (found,) = run_coverage.of_run([record], Expectation({record.case: []}))
    assert not any("verb change" in line or "does not support change" in line for line in found.unseen())


def test_records_about_the_suite_itself_count_for_nothing() -> None:
    assert run_coverage.of_run([make_record(case="the goldens")], Expectation({"110-one": []})) == []


def test_what_only_skipped_cases_show_is_out_of_reach() -> None:
    passed, skipped = make_record(case="110-one"), make_record(case="120-two", verdict=Verdict.SKIP)
    both, one = "error text Job not found", "error text Image is not in qcow2 format"
    shown = {"110-one": {both}, "120-two": {both, one, "event BLOCK_JOB_PENDING"}}
    (found,) = run_coverage.of_run([passed, skipped], Expectation({"110-one": [], "120-two": []}, shown))
    assert both in found.unseen()
    assert "event BLOCK_JOB_READY" in found.unseen()
    assert not {one, "event BLOCK_JOB_PENDING"} & set(found.unseen())


def test_expectation_of_our_suite_knows_what_goldens_show() -> None:
    expected = run_coverage.expectation(Suite.find(), {"a-bug": ("C1",)})
    assert "QE-05" in expected.sources["110-life-cycle"]
    assert "error text Job not found" in expected.shown["104-verbs-without-job"]
    assert {"C1", "TD-2"} <= expected.standing
