"""The goldens of cases 010 to 049 hold against the numbers of the rows, which were not made by running anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from hbitmap_rows import ROWS

from harness.cases import discover

SUITE = Path(__file__).parents[2]

CASES = [case for case in discover(SUITE / "cases") if 10 <= case.number < 50]

LEVEL_ABOVE = 64**3

#: What today's ``next_area`` gives where the one of 2018 gave something else.
TODAY = {"NA-4": ("none", "0+32768"), "NA-5": ("0+65536", "100+65436")}

#: Rows whose golden has exactly the row's steps, and no more.
EXACT = {f"HB-{number:02}" for number in (*range(8, 18), *range(31, 35), *range(39, 47))} | {
    f"NA-{number}" for number in range(1, 10)
}


def sections_of(case_id: str) -> dict[str, list[str]]:
    """The lines of a golden by the row that stands in the note before them."""
    sections: dict[str, list[str]] = {}
    section: list[str] = []
    for line in (SUITE / "golden" / f"{case_id}.out").read_text().splitlines():
        if line.startswith("# "):
            section = sections.setdefault(line[2:].partition(":")[0], [])
        else:
            section.append(line)
    return sections


SECTIONS = [(case.id, row, lines) for case in CASES for row, lines in sections_of(case.id).items() if row in ROWS]


def fits(line: str, step: str) -> bool:
    return line == step or line.startswith((step + ",", step + " ->"))


@pytest.mark.parametrize(("case_id", "row", "lines"), SECTIONS, ids=[f"{row}-{case[:3]}" for case, row, _ in SECTIONS])
def test_golden_of_row_has_the_steps_and_numbers_of_the_row(case_id: str, row: str, lines: list[str]) -> None:
    steps = ROWS[row]
    if case_id.startswith("044") and row in TODAY:
        before, now = TODAY[row]
        assert steps.endswith(f"-> {before}")
        steps = steps.removesuffix(before) + now
    rest = iter(lines)
    for step in steps.split("; "):
        assert any(fits(line, step) for line in rest), f"{step} is missing"
    if row in EXACT:
        assert len(lines) == len(steps.split("; "))


def test_goldens_show_every_row() -> None:
    shown = {row for _, row, _ in SECTIONS}
    assert shown == set(ROWS)


def test_iterators_of_a_full_bitmap_give_every_item_from_their_first() -> None:
    """HB-04."""
    lines = sections_of("012-iterate")["HB-04"]
    starts = (1, 63, 64, 127, 4095, 4096, 4097, 4160, 4223, 8191, 8192, 8193, 8256, 8319)
    expected = [f"iterate from {first}, at most 5000 -> {first}-{first + 4999}" for first in starts]
    assert lines[2 : 2 + len(starts)] == expected
    assert lines[2 + len(starts)] == "iterate from 131072 -> 131072-262143 end"


def test_serialized_bits_are_the_items_that_were_set() -> None:
    """HB-36."""
    expected = []
    for position in (0, 1, 63, 64, 4095, 4096, 4097, 262143):
        for wanted in (0, 1, 63, 64, 4095, 4096, 4097, 262143):
            count = min(wanted, LEVEL_ABOVE - position)
            last = position + count - 1
            bits = "none" if not count else str(position) if count == 1 else f"{position}-{last}"
            walked = "nothing" if not count else bits if count < 200 else f"{position}..{last}"
            expected.append(f"set {position}+{count} -> bits {bits}; back: count {count}, iterates {walked}")
    lines = sections_of("024-serialize")["HB-36"]
    assert [line for line in lines if line.startswith("set")] == expected


def test_every_look_shows_what_is_taken_next() -> None:
    """HB-48, in the part of the case where nothing changes meanwhile."""
    lines = sections_of("036-non-advancing")["HB-48"]
    steps = [line.removeprefix("iterator: ") for line in lines if line.startswith("iterator: ")]
    given = [step.removeprefix("next -> ") for step in steps if step.startswith("next")]
    assert given == ["63", "64", "4096", "262144", "end"]
    for index, step in enumerate(steps[:-1]):
        if step.startswith("peek"):
            assert steps[index + 1].partition(" -> ")[2] == step.partition(" -> ")[2]


def test_every_row_is_the_source_of_a_case() -> None:
    rows = {f"HB-{number:02}" for number in range(1, 49)} | {f"NA-{number}" for number in range(1, 10)}
    named = {source for case in CASES for source in case.sources}
    assert rows <= named
