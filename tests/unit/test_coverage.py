"""What transcripts show of a job's life."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import reference_impl
from harness import coverage, job_table, refusals, rows
from reference_impl.job_states import TRANSITIONS, VERBS, JobState, JobVerb
from reference_impl.schema import EVENTS

LIFE = """\
-> blockdev-mirror {"job-id": "j"}
<- {"return": {}}
event JOB_STATUS_CHANGE {"id": "j", "status": "created"}
event JOB_STATUS_CHANGE {"id": "j", "status": "running"}
-> job-complete {"id": "j"}
<- {"error": {"class": "GenericError", "desc": "Job 'j' in state 'running' cannot accept command verb 'complete'"}}
-> job-pause {"id": "j"}
<- {"return": {}}
"""


def test_job_tables_agree_with_the_reference() -> None:
    assert {(before.value, after.value) for before, row in TRANSITIONS.items() for after in row} == (
        job_table.TRANSITIONS
    )
    assert set(job_table.VERBS) == {verb.value for verb in JobVerb}
    assert {*job_table.STATES, "null"} == {state.value for state in JobState}
    assert set(job_table.EVENTS) <= EVENTS.keys()


@pytest.mark.parametrize("state", job_table.LASTING_STATES)
@pytest.mark.parametrize("verb", job_table.VERBS)
def test_job_table_allows_no_more_than_the_table_of_verbs(state: str, verb: str) -> None:
    allowed = state in job_table.ALLOWED_IN[verb]
    by_table = JobState(state) in VERBS[JobVerb(verb)]
    # A second pause, and a resume of what is not paused, are refused by a rule of their own (QS-04, QS-05).
    by_another_rule = (verb == "pause" and state in ("paused", "standby")) or (
        verb == "resume" and state in ("running", "ready")
    )
    assert allowed == (by_table and not by_another_rule)


def test_coverage_transcript_shows_transitions_cells_events_and_errors() -> None:
    seen = coverage.of_transcripts([LIFE])
    assert seen.transitions == {("undefined", "created"), ("created", "running")}
    assert seen.cells == {("running", "complete", "refused"), ("running", "pause", "accepted")}
    assert seen.events == {"JOB_STATUS_CHANGE"}
    assert seen.errors == {"Job '…' in state '…' cannot accept command verb '…'"}


def test_coverage_reply_belongs_to_the_command_that_waits_longest() -> None:
    seen = coverage.of_transcripts(
        [
            '-> job-pause {"id": "a"}\n-> query-jobs {}\n'
            '<- {"error": {"class": "GenericError", "desc": "Job not found"}}\n<- {"return": []}'
        ]
    )
    assert seen.cells == {("null", "pause", "refused")}


@pytest.mark.parametrize(
    ("reply", "deviates", "is_seen"), [("error", False, True), ("return", False, False), ("return", True, True)]
)
def test_coverage_cell_is_seen_with_its_outcome_or_where_another_is_known(
    reply: str, deviates: bool, is_seen: bool
) -> None:
    seen = coverage.Coverage()
    seen.add(f'-> job-dismiss {{"id": "j"}}\n<- {{"{reply}": {{}}}}\n', deviates=deviates)
    assert ("verb dismiss in null: refused" not in seen.unseen()) == is_seen


def test_coverage_nothing_seen_names_everything_that_could_be() -> None:
    unseen = coverage.Coverage().unseen()
    assert len(unseen) == 17 + 7 * 8 + 6 + len(refusals.expected(coverage.EVERYTHING))
    assert "transition pending -> concluded" in unseen
    assert "verb dismiss in concluded: accepted" in unseen
    assert "verb dismiss in ready: refused" in unseen
    assert "event BLOCK_JOB_PENDING" in unseen


def test_coverage_verb_without_a_command_is_no_cell_and_no_job_leaves_out_a_transition() -> None:
    unseen = coverage.Coverage().unseen(features=())
    assert len(unseen) == 16 + 7 * 7 + 6 + len(refusals.expected(()))
    assert "transition running -> waiting" not in unseen
    assert not any("verb change" in line for line in unseen)


def test_coverage_transition_that_is_none_is_named() -> None:
    seen = coverage.of_transcripts(
        [
            'event JOB_STATUS_CHANGE {"id": "j", "status": "created"}\n'
            'event JOB_STATUS_CHANGE {"id": "j", "status": "ready"}'
        ]
    )
    assert seen.unlawful() == ["transition created -> ready"]


def test_refusals_have_every_text_of_the_reference() -> None:
    known = {refusal.text for refusal in refusals.load()}
    assert len(list(_texts_of_the_reference())) > 100
    missing = {text: where for text, where in _texts_of_the_reference() if refusals.known_as(text) not in known}
    assert missing == {}


def test_refusals_older_words_are_the_same_refusal() -> None:
    assert refusals.known_as("Cannot find device=nope nor node_name=nope") == (
        refusals.known_as("Cannot find device='nope' nor node-name='nope'")
    )
    assert refusals.known_as("Parameter 'speed' expects a non-negative value") in refusals.expected(())
    assert refusals.known_as("something of 'its' own") == "something of '…' own"


def test_refusals_need_what_says_them() -> None:
    text = "Job type does not support change"
    assert text not in refusals.expected(())
    assert text in refusals.expected(("block-job-change",))


def _texts_of_the_reference() -> Iterator[tuple[str, str]]:
    """Every text with which the reference refuses a command, with a word for what varies, and where it stands."""
    for path in sorted(Path(reference_impl.__path__[0]).rglob("*.py")):
        if "mutants" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = _template(node) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else None
            if text is not None:
                yield text, f"{path.name}:{node.lineno}"


def _template(call: ast.Call) -> str | None:
    assert isinstance(call.func, ast.Name)
    words = [
        "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in argument.values)
        if isinstance(argument, ast.JoinedStr)
        else str(argument.value)
        for argument in call.args
        if isinstance(argument, ast.JoinedStr | ast.Constant)
    ]
    if call.func.id == "QmpError" and words and "expected: x" not in words[0] and "expects x" not in words[0]:
        return words[0]
    if call.func.id == "parameter_expects" and len(words) == 2:
        return f"Parameter '{words[0]}' expects {words[1]}"
    return None


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
