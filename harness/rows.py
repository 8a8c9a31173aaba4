"""The rows of facts that cases stand for: which there are, and which cases name them in `Source:`.

A row has an id (``QE-05``), says in one sentence what is so, and where that can be tested: ``R`` by the reference and
any program, ``RG`` where backing chains or permissions are there, ``Q`` and ``Q+`` only by a real QEMU with devices or
a guest. What stands for a row is a case that names it, a mutant that puts its bug back (which the cases must catch),
or the reason that the row itself gives.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from harness.cases import Case
from harness.errors import HarnessBug

ROWS_FILE = Path(__file__).with_name("rows.toml")

PLACES = ("R", "RG", "Q", "Q+")

_LOOKS_LIKE_A_ROW = re.compile(r"(?:[A-Z]{1,6}-?[0-9]|[0-9]{3}(?![0-9])).*")
"""What a source looks like that is meant as a row; others name a page, a chapter or a function in words."""


class Row(NamedTuple):
    """One row.

    :ivar where: R, RG, Q or Q+. :ivar meaning: one sentence. :ivar reason: why it needs no case; may be empty.
    """

    id: str
    where: str
    meaning: str
    reason: str = ""

    @property
    def in_reach(self) -> bool:
        """The reference can test it, so a case, a mutant or a reason must stand for it."""
        return self.where in ("R", "RG")


@functools.cache
def load() -> Mapping[str, Row]:
    """All rows by id, in the order of the table.

    :raise HarnessBug: when a row has no sentence, too many fields, or a place that is none.
    """
    rows: dict[str, Row] = {}
    for row_id, fields in tomllib.loads(ROWS_FILE.read_text(encoding="utf-8"))["rows"].items():
        if len(fields) not in (2, 3):
            raise HarnessBug(f"row {row_id} has {len(fields)} fields, it takes two or three")
        row = Row(row_id, *fields)
        if row.where not in PLACES:
            raise HarnessBug(f"row {row.id} can be tested in '{row.where}', which is none of {', '.join(PLACES)}")
        rows[row_id] = row
    return rows


def members(name: str, rows: Mapping[str, Row]) -> list[str]:
    """The rows that a name stands for: the row itself, or the family whose ids go on behind it with a dash."""
    if name in rows:
        return [name]
    return [row_id for row_id in rows if row_id.startswith(f"{name}-")]


def naming(cases: Iterable[Case], rows: Mapping[str, Row]) -> dict[str, list[str]]:
    """Row id to the ids of the cases that name it, or its family."""
    result: dict[str, list[str]] = {}
    for case in cases:
        for source in case.sources:
            for row_id in members(source, rows):
                result.setdefault(row_id, []).append(case.id)
    return result


def planted(mutant_rows: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Row id to the mutants that put its bug back, as ``reference:NAME``.

    :param mutant_rows: mutant to the ids of its rows.
    """
    result: dict[str, list[str]] = {}
    for mutant, row_ids in mutant_rows.items():
        for row_id in row_ids:
            result.setdefault(row_id, []).append(f"reference:{mutant}")
    return result


def unknown(cases: Iterable[Case], mutant_rows: Mapping[str, Iterable[str]], rows: Mapping[str, Row]) -> list[str]:
    """One line for each source of a case, and each row of a mutant, that looks like a row and is none."""
    named: dict[str, list[str]] = {}
    for case in cases:
        for source in case.sources:
            if _LOOKS_LIKE_A_ROW.fullmatch(source):
                named.setdefault(source, []).append(case.id)
    for row_id, mutants in planted(mutant_rows).items():
        named.setdefault(row_id, []).extend(mutants)
    return [
        f"{', '.join(names)}: unknown row '{row_id}'"
        for row_id, names in sorted(named.items())
        if not members(row_id, rows)
    ]
