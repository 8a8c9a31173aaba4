"""What transcripts show of a job's life."""

from __future__ import annotations

from harness import coverage, rows
from reference_impl.job_states import TRANSITIONS, JobState, JobVerb
from reference_impl.schema import EVENTS

LIFE = """\
-> blockdev-mirror {"job-id": "j"}
<- {"return": {}}
event JOB_STATUS_CHANGE {"id": "j", "status": "created"}
event JOB_STATUS_CHANGE {"id": "j", "status": "running"}
-> job-complete {"id": "j"}
<- {"error": {"class": "GenericError", "desc": "Job 'j' in state 'running' cannot accept command verb 'complete'"}}
-> block-job-pause {"device": "other"}
"""


def test_coverage_tables_agree_with_the_reference() -> None:
    assert {(before.value, after.value) for before, row in TRANSITIONS.items() for after in row} == coverage.TRANSITIONS
    assert set(coverage.VERBS) == {verb.value for verb in JobVerb}
    assert {*coverage.STATES, "null"} == {state.value for state in JobState}
    assert set(coverage.EVENTS) <= EVENTS.keys()


def test_coverage_transcript_shows_transitions_cells_events_and_errors() -> None:
    seen = coverage.of_transcripts([LIFE])
    assert seen.transitions == {("undefined", "created"), ("created", "running")}
    assert seen.cells == {("running", "complete"), ("null", "pause")}
    assert seen.events == {"JOB_STATUS_CHANGE"}
    assert seen.errors == {"Job '…' in state '…' cannot accept command verb '…'"}


def test_coverage_nothing_seen_names_everything_that_could_be() -> None:
    unseen = coverage.of_transcripts([]).unseen()
    assert len(unseen) == 16 + 7 * 8 + 6
    assert "transition pending -> concluded" in unseen
    assert "verb dismiss in concluded" in unseen
    assert "event BLOCK_JOB_PENDING" in unseen


def test_coverage_transition_that_is_none_is_named() -> None:
    seen = coverage.of_transcripts(
        [
            'event JOB_STATUS_CHANGE {"id": "j", "status": "created"}\n'
            'event JOB_STATUS_CHANGE {"id": "j", "status": "ready"}'
        ]
    )
    assert seen.unlawful() == ["transition created -> ready"]


def test_rows_table_is_well_formed() -> None:
    table = rows.load()
    assert {"QE-05", "QA-18", "QS-20", "041-B-pause", "BF-13"} <= table.keys()
    assert all("\n" not in row.meaning and row.meaning for row in table.values())
