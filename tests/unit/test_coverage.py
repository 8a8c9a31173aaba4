"""What transcripts show of a job's life."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

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
    for row in table.values():
        assert re.fullmatch(r"[^\n…]+\.", row.meaning), row.id
        assert re.fullmatch(r"(?:[A-Z]{1,6}-?[0-9]{1,3}|[0-9]{3}-[A-Za-z0-9_-]+)", row.id)
        for page in re.findall(r"tests/unit/\w+\.py", row.reason):
            assert Path(page).name in {path.name for path in Path(__file__).parent.iterdir()}, row.id


def test_rows_family_named_by_a_case_stands_for_its_members() -> None:
    table = rows.load()
    assert rows.members("155-BR", table) == ["155-BR-full", "155-BR-top", "155-BR-none"]
    assert rows.members("QE-05", table) == ["QE-05"]
    assert rows.members("QE-99", table) == []


def test_rows_source_that_is_no_row_is_named_with_its_cases_and_mutants() -> None:
    fake = SimpleNamespace(id="100-x", sources=("QE-05", "QE-99", "040-SD errors", "real-qemu G", "docs/cases.md"))
    problems = rows.unknown([fake], {"some-bug": ("C1", "C99")}, rows.load())  # type: ignore[list-item]
    assert problems == [
        "100-x: unknown row '040-SD errors'",
        "reference:some-bug: unknown row 'C99'",
        "100-x: unknown row 'QE-99'",
    ]


def test_rows_mutant_stands_for_the_rows_of_its_bug() -> None:
    assert rows.planted({"one": ("A1", "C2"), "two": ("C2",)}) == {
        "A1": ["reference:one"],
        "C2": ["reference:one", "reference:two"],
    }
