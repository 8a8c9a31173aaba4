"""What a run's transcripts reach, for the page."""

from __future__ import annotations

from fake_suite import make_record

from harness import run_coverage

TRANSCRIPT = """\
event JOB_STATUS_CHANGE {"id": "job0", "status": "created"}
event JOB_STATUS_CHANGE {"id": "job0", "status": "running"}
-> job-pause {"id": "job0"}
"""


def test_lines_say_what_is_reached_and_what_is_known() -> None:
    lines = run_coverage.of_records([make_record(transcript=TRANSCRIPT), make_record(implementation="other")])
    known = {line.dimension: line.known for line in lines if not line.case}
    reached = {line.dimension: line.reached for line in lines if line.case}
    assert reached == {
        "transitions": ["created running", "undefined created"],
        "verbs in states": ["running pause"],
        "events": ["JOB_STATUS_CHANGE"],
    }
    assert all(set(names) <= set(known[dimension]) for dimension, names in reached.items())


def test_run_without_a_job_and_nonsense_have_nothing() -> None:
    assert run_coverage.of_records([make_record()]) == []
    nonsense = make_record(transcript='event JOB_STATUS_CHANGE {"x": 1}\n-> job-pause []\n<- [\n')
    run_coverage.of_records([nonsense])
