"""The rows of facts that cases stand for: which there are, and which cases name them in `Source:`.

A row has an id (``QE-05``), says in one line what is so, and where that can be tested: ``R`` by the reference and any
program, ``RG`` where backing chains or permissions are there, ``Q`` and ``Q+`` only by a real QEMU with devices or a
guest.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from harness.cases import Case
from harness.errors import HarnessBug

ROWS_FILE = Path(__file__).with_name("rows.toml")

_ROW_ID = re.compile(r"(?:[A-Z]{1,5}-?[0-9]+|[0-9]{3}-[A-Za-z0-9_-]+)")
"""What a source must look like to be meant as a row; others name a chapter or a function in words."""


class Row(NamedTuple):
    """One row.

    :ivar where: R, RG, Q or Q+. :ivar meaning: one line.
    """

    id: str
    where: str
    meaning: str


def load() -> dict[str, Row]:
    """All rows by id, in the order of the table."""
    table = tomllib.loads(ROWS_FILE.read_text(encoding="utf-8"))["rows"]
    rows = {row_id: Row(row_id, where, meaning) for row_id, (where, meaning) in table.items()}
    for row in rows.values():
        if row.where not in ("R", "RG", "Q", "Q+"):
            raise HarnessBug(f"row {row.id} can be tested in '{row.where}', which is none of R, RG, Q, Q+")
    return rows


def naming(cases: Iterable[Case]) -> dict[str, list[str]]:
    """Row id to the ids of the cases that name it."""
    result: dict[str, list[str]] = {}
    for case in cases:
        for source in case.sources:
            if _ROW_ID.fullmatch(source):
                result.setdefault(source, []).append(case.id)
    return result


def unknown(cases: Iterable[Case], rows: dict[str, Row]) -> list[str]:
    """One line for each source that looks like a row and is none; a family of rows may be named by what they share."""
    return [
        f"{', '.join(case_ids)}: unknown row '{row_id}'"
        for row_id, case_ids in sorted(naming(cases).items())
        if row_id not in rows and not any(known.startswith(f"{row_id}-") for known in rows)
    ]
