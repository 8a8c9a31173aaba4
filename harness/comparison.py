"""Compares implementations, stored runs and goldens with each other, case by case.

Each is a column; a case is a row. Outcomes of a row that are the same have the same letter, and a row with one letter
only is folded away. Two outcomes are the same when the runs ended in the same way and printed the same: verdicts do
not count, so that two builds compare even where there is no golden.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence

import msgspec

from harness.deviations import Deviations
from harness.golden import GoldenError, Goldens
from harness.records import Record, RunStatus, Verdict
from harness.side_by_side import first_difference, lines_of
from harness.stored_runs import CaseInfo

GOLDEN = "golden"


class Column(msgspec.Struct, kw_only=True):
    """What is compared.

    :ivar name: as the user called it; unique.
    :ivar records: by case; empty for the goldens.
    :ivar is_golden: it stands for what is expected.
    """

    name: str
    records: dict[str, Record] = {}
    is_golden: bool = False
    version: str = ""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A case in a column.

    :ivar outcome: what came of it, "pass", or "-" when there is nothing.
    :ivar letter: the same for the same outcome in a row; "" when there is nothing.
    """

    outcome: str
    letter: str = ""
    transcript: str | None = None
    record: Record | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Two columns that differ in a row: the first one, and the first with each other letter.

    :ivar step: the first line that differs, from 1; None when what they printed is the same.
    :ivar explanation: the known deviation or the lawful reason; "" when there is none.
    """

    left: str
    right: str
    step: int | None
    explanation: str = ""

    @property
    def is_explained(self) -> bool:
        """Whether there is a reason for it that somebody has written down."""
        return bool(self.explanation)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A case in all columns."""

    case: str
    cells: dict[str, Cell]
    differences: list[Difference] = []

    @property
    def is_explained(self) -> bool:
        """Whether every difference has a reason."""
        return all(difference.is_explained for difference in self.differences)


class Comparison(msgspec.Struct, kw_only=True):
    """All rows."""

    columns: list[Column]
    rows: list[Row]

    @property
    def differing(self) -> list[Row]:
        """The rows with more than one outcome."""
        return [row for row in self.rows if row.differences]

    @property
    def unexplained(self) -> list[Row]:
        """The rows with a difference for which there is no reason."""
        return [row for row in self.rows if not row.is_explained]


def compare(columns: Sequence[Column], case_ids: Iterable[str], goldens: Goldens, deviations: Deviations) -> Comparison:
    """Compare columns.

    :param case_ids: the cases, in order; one of which there is nothing but a golden gives no row.
    :param goldens: where the column of goldens finds what is expected.
    :param deviations: what explains differences.
    """
    rows = []
    for case_id in case_ids:
        if not any(case_id in column.records for column in columns):
            continue
        features = next((column.records[case_id].run.features for column in columns if case_id in column.records), [])
        raw = {column.name: _cell(column, case_id, goldens, features) for column in columns}
        letters: dict[tuple[str, str], str] = {}
        cells: dict[str, Cell] = {}
        for name, cell in raw.items():
            if cell.transcript is None:
                cells[name] = cell
                continue
            key = (_ending(cell.record), cell.transcript)
            letter = letters.setdefault(key, _letter(len(letters)))
            cells[name] = msgspec.structs.replace(cell, letter=letter)
        rows.append(Row(case=case_id, cells=cells, differences=_differences(case_id, cells, deviations)))
    return Comparison(columns=list(columns), rows=rows)


def selected_cases(
    infos: Iterable[CaseInfo], *, groups: Sequence[str], excluded_groups: Sequence[str], features: Sequence[str]
) -> list[str]:
    """Return the ids of the cases in one of the groups, in none of the excluded, that need all of the features."""
    return [
        info.id
        for info in infos
        if (not groups or set(groups) & set(info.groups))
        and not set(excluded_groups) & set(info.groups)
        and set(features) <= set(info.needs)
    ]


def _cell(column: Column, case_id: str, goldens: Goldens, features: Sequence[str]) -> Cell:
    if column.is_golden:
        try:
            golden = goldens.expected(case_id, features)
        except GoldenError:
            return Cell(outcome="-")
        return Cell(outcome="expected", transcript=golden.text)
    record = column.records.get(case_id)
    if record is None:
        return Cell(outcome="-")
    if record.run.status in (RunStatus.SKIPPED, RunStatus.UNAVAILABLE):
        return Cell(outcome=record.verdict.value, record=record)
    return Cell(outcome=record.verdict.value, transcript=record.run.transcript, record=record)


def _letter(index: int) -> str:
    letters = string.ascii_lowercase
    return f"{letters[index % len(letters)]}{index // len(letters) or ''}"


def _ending(record: Record | None) -> str:
    if record is None or record.run.status is RunStatus.COMPLETED:
        return RunStatus.COMPLETED.value
    return record.run.status.value


def _differences(case_id: str, cells: dict[str, Cell], deviations: Deviations) -> list[Difference]:
    compared = [(name, cell) for name, cell in cells.items() if cell.letter]
    if not compared:
        return []
    first_name, first = compared[0]
    seen = {first.letter}
    found = []
    for name, cell in compared:
        if cell.letter in seen:
            continue
        seen.add(cell.letter)
        assert first.transcript is not None
        assert cell.transcript is not None
        found.append(
            Difference(
                left=first_name,
                right=name,
                step=first_difference(lines_of(first.transcript), lines_of(cell.transcript)),
                explanation=_explanation(case_id, first, cell, deviations),
            )
        )
    return found


def _explanation(case_id: str, left: Cell, right: Cell, deviations: Deviations) -> str:
    """Return why two outcomes differ; "" unless each of them is as it should be or as it is known to be."""
    reasons = []
    for cell in (left, right):
        record = cell.record
        if record is None or record.verdict is Verdict.PASS:
            continue
        if record.verdict is not Verdict.KNOWN:
            return ""
        deviation = deviations.find(case_id, record.implementation, record.run.version, record.run.features)
        fix = "" if deviation is None else f" (fix: {deviation.fix})"
        reasons.append(f"known deviation of {record.implementation}: {record.reason}{fix}")
    if reasons:
        return "; ".join(reasons)
    goldens = [cell.record.golden for cell in (left, right) if cell.record is not None and cell.record.golden]
    if len(set(goldens)) == 2:
        return f"lawful variants: {goldens[0]} and {goldens[1]}"
    # One is the golden itself, and the other passes with another variant of it.
    return f"lawful variant: {goldens[0]}" if goldens else ""
