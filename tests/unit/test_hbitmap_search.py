"""Searches give what QEMU's own test of them expects, number by number: rows HB-39 to HB-47.

A table reads: a step (``set START COUNT``, or ``empty`` for none), then the questions asked after it, each with its
answer. ``inf`` is 2^63-1, "to the end".
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reference_impl.hbitmap import INT64_MAX, HBitmap

SIZE = 64**3

#: HB-39, granularity 0: start, first clean item.
NEXT_ZERO_0 = """
empty
    0 0 | 262143 262143
set 4096 1
    0 0 | 4095 4095 | 4096 4097 | 4097 4097
set 4101 64
    0 0 | 4097 4097 | 4098 4098 | 4101 4165 | 4159 4165 | 4160 4165
set 8192 253952
    8128 8128 | 8190 8190 | 8191 8191 | 8192 -1 | 262143 -1
set 0 262144
    0 -1
"""

#: HB-40, granularity 4.
NEXT_ZERO_4 = """
empty
    0 0 | 262143 262143
set 4096 1
    0 0 | 4095 4095 | 4096 4112 | 4097 4112
set 4101 64
    0 0 | 4097 4176 | 4098 4176 | 4101 4176 | 4159 4176 | 4160 4176
set 8192 253952
    8128 8128 | 8190 8190 | 8191 8191 | 8192 -1 | 262143 -1
set 0 262144
    0 -1
"""

#: HB-41, granularity 0: start, count, first clean item, first dirty item.
NEXT_X_0 = """
empty
    0 inf 0 -1 | 262143 inf 262143 -1 | 0 1 0 -1 | 262143 1 262143 -1
set 4096 1
    0 inf 0 4096 | 4095 inf 4095 4096 | 4096 inf 4097 4096 | 4097 inf 4097 -1 | 0 1 0 -1 | 0 4096 0 -1 |
    4095 1 4095 -1 | 4095 2 4095 4096 | 4096 1 -1 4096 | 4097 1 4097 -1
set 4101 64
    0 inf 0 4096 | 4032 inf 4032 4096 | 4097 inf 4097 4101 | 4098 inf 4098 4101 | 4101 inf 4165 4101 |
    4159 inf 4165 4159 | 4160 inf 4165 4160 | 4161 inf 4165 4161 | 4094 64 4094 4096 | 4096 4 4097 4096 |
    4096 6 4097 4096 | 4097 3 4097 -1 | 4100 64 4100 4101 | 4101 64 -1 4101 | 4164 1 -1 4164 | 4165 1 4165 -1 |
    4166 1 4166 -1
set 8192 253952
    8128 inf 8128 8192 | 8190 inf 8190 8192 | 8191 inf 8191 8192 | 8192 inf -1 8192 | 8193 inf -1 8193 |
    8256 inf -1 8256 | 262143 inf -1 262143 | 8128 65 8128 8192 | 8192 4096 -1 8192
set 0 262144
    0 inf -1 0
"""

#: HB-42, granularity 4.
NEXT_X_4 = """
empty
    0 inf 0 -1 | 262143 inf 262143 -1 | 0 1 0 -1 | 262143 1 262143 -1
set 4096 1
    0 inf 0 4096 | 4095 inf 4095 4096 | 4096 inf 4112 4096 | 4097 inf 4112 4097 | 0 1 0 -1 | 0 4096 0 -1 |
    4095 1 4095 -1 | 4095 2 4095 4096 | 4096 1 -1 4096 | 4097 1 -1 4097
set 4101 64
    0 inf 0 4096 | 4032 inf 4032 4096 | 4097 inf 4176 4097 | 4098 inf 4176 4098 | 4101 inf 4176 4101 |
    4159 inf 4176 4159 | 4160 inf 4176 4160 | 4161 inf 4176 4161 | 4094 64 4094 4096 | 4096 4 -1 4096 |
    4096 6 -1 4096 | 4097 3 -1 4097 | 4100 64 -1 4100 | 4101 64 -1 4101 | 4164 1 -1 4164 | 4165 1 -1 4165 |
    4166 1 -1 4166
set 8192 253952
    8128 inf 8128 8192 | 8190 inf 8190 8192 | 8191 inf 8191 8192 | 8192 inf -1 8192 | 8193 inf -1 8193 |
    8256 inf -1 8256 | 262143 inf -1 262143 | 8128 65 8128 8192 | 8192 4096 -1 8192
set 0 262144
    0 inf -1 0
"""

#: HB-44, granularity 0: start, count, most items wanted, start+count of the area.
AREAS_0 = """
empty
    0 inf - none | 0 1 - none | 262143 1 - none | 0 inf 1 none
set 4096 1
    0 1 - none | 0 4096 - none | 0 inf - 4096+1 | 4095 inf - 4096+1 | 4095 1 - none | 4095 2 - 4096+1 |
    4095 3 - 4096+1 | 4096 inf - 4096+1 | 4096 1 - 4096+1 | 4097 1 - none | 0 inf 1 4096+1 | 4095 2 1 4096+1
set 4101 64
    0 inf - 4096+1 | 4094 8 - 4096+1 | 4097 5 - 4101+1 | 4097 3 - none | 4100 64 - 4101+63 | 4101 64 - 4101+64 |
    4103 64 - 4103+62 | 4160 64 - 4160+5 | 4096 0 - none | 4097 0 - none | 4099 inf 3 4101+3 | 4099 7 10 4101+5
set 8192 253952
    0 inf - 4096+1 | 4096 inf - 4096+1 | 4097 inf - 4101+64 | 4164 inf - 4164+1 | 4165 5 - none |
    8128 65 - 8192+1 | 8192 4096 - 8192+4096 | 8193 inf 5 8193+5 | 8193 10 5 8193+5 | 8193 2 5 8193+2
set 0 262144
    0 inf - 0+262144
"""

#: HB-45, granularity 1.
AREAS_1 = """
empty
    0 inf - none | 0 1 - none | 262143 1 - none | 0 inf 1 none
set 4096 1
    0 1 - none | 0 4096 - none | 0 inf - 4096+2 | 4095 inf - 4096+2 | 4095 1 - none | 4095 2 - 4096+1 |
    4095 3 - 4096+2 | 4096 inf - 4096+2 | 4096 1 - 4096+1 | 4097 1 - 4097+1 | 0 inf 1 4096+1 | 4095 2 1 4096+1
set 4101 64
    0 inf - 4096+2 | 4094 8 - 4096+2 | 4097 5 - 4097+1 | 4097 3 - 4097+1 | 4100 64 - 4100+64 |
    4101 64 - 4101+64 | 4103 64 - 4103+63 | 4160 64 - 4160+6 | 4096 0 - none | 4097 0 - none |
    4099 inf 3 4100+3 | 4099 7 10 4100+6
set 8192 253952
    0 inf - 4096+2 | 4096 inf - 4096+2 | 4097 inf - 4097+1 | 4164 inf - 4164+2 | 4165 5 - 4165+1 |
    8128 65 - 8192+1 | 8192 4096 - 8192+4096 | 8193 inf 5 8193+5 | 8193 10 5 8193+5 | 8193 2 5 8193+2
set 0 262144
    0 inf - 0+262144
"""

#: HB-46, granularity 4.
AREAS_4 = """
empty
    0 inf - none | 0 1 - none | 262143 1 - none | 0 inf 1 none
set 4096 1
    0 1 - none | 0 4096 - none | 0 inf - 4096+16 | 4095 inf - 4096+16 | 4095 1 - none | 4095 2 - 4096+1 |
    4095 3 - 4096+2 | 4096 inf - 4096+16 | 4096 1 - 4096+1 | 4097 1 - 4097+1 | 0 inf 1 4096+1 | 4095 2 1 4096+1
set 4101 64
    0 inf - 4096+80 | 4094 8 - 4096+6 | 4097 5 - 4097+5 | 4097 3 - 4097+3 | 4100 64 - 4100+64 |
    4101 64 - 4101+64 | 4103 64 - 4103+64 | 4160 64 - 4160+16 | 4096 0 - none | 4097 0 - none |
    4099 inf 3 4099+3 | 4099 7 10 4099+7
set 8192 253952
    0 inf - 4096+80 | 4096 inf - 4096+80 | 4097 inf - 4097+79 | 4164 inf - 4164+12 | 4165 5 - 4165+5 |
    8128 65 - 8192+1 | 8192 4096 - 8192+4096 | 8193 inf 5 8193+5 | 8193 10 5 8193+5 | 8193 2 5 8193+2
set 0 262144
    0 inf - 0+262144
"""


def questions(bitmap: HBitmap, table: str) -> Iterator[list[str]]:
    """Do the steps of a table, and give after each one the questions with their answers, in words."""
    for line in table.strip().splitlines():
        if line.startswith("set"):
            _, start, count = line.split()
            bitmap.set(int(start), int(count))
        elif line != "empty":
            for question in line.strip(" |").split("|"):
                yield question.split()


def number(word: str) -> int:
    return INT64_MAX if word == "inf" else int(word)


@pytest.mark.parametrize(("granularity", "table"), [(0, NEXT_ZERO_0), (4, NEXT_ZERO_4)], ids=["HB-39", "HB-40"])
def test_next_zero_without_count_searches_to_the_end(granularity: int, table: str) -> None:
    bitmap = HBitmap(SIZE, granularity)
    for start, zero in questions(bitmap, table):
        assert bitmap.next_zero(int(start)) == int(zero), (start, zero)


@pytest.mark.parametrize(("granularity", "table"), [(0, NEXT_X_0), (4, NEXT_X_4)], ids=["HB-41", "HB-42"])
def test_next_zero_and_next_dirty_stay_within_the_count(granularity: int, table: str) -> None:
    bitmap = HBitmap(SIZE, granularity)
    for start, count, zero, dirty in questions(bitmap, table):
        assert bitmap.next_zero(int(start), number(count)) == int(zero), (start, count)
        assert bitmap.next_dirty(int(start), number(count)) == int(dirty), (start, count)


@pytest.mark.parametrize(
    ("granularity", "table"), [(0, AREAS_0), (1, AREAS_1), (4, AREAS_4)], ids=["HB-44", "HB-45", "HB-46"]
)
def test_next_dirty_area_stays_within_the_range_and_the_maximum(granularity: int, table: str) -> None:
    bitmap = HBitmap(SIZE, granularity)
    for start, count, maximum, expected in questions(bitmap, table):
        end = min(int(start) + number(count), INT64_MAX)
        area = bitmap.next_dirty_area(int(start), end, None if maximum == "-" else int(maximum))
        assert ("none" if area is None else f"{area[0]}+{area[1]}") == expected, (start, count, maximum)


def test_next_zero_and_next_dirty_after_growing_reach_the_new_end() -> None:
    """HB-43, B2: the size that searches stop at must follow."""
    bitmap = HBitmap(64)
    bitmap.truncate(128)
    bitmap.set(0, 64)
    assert bitmap.next_zero(0) == 64
    assert bitmap.next_dirty(0) == 0


def test_next_dirty_area_after_growing_reaches_the_new_end() -> None:
    """HB-47, B2."""
    bitmap = HBitmap(64)
    bitmap.truncate(128)
    bitmap.set(65, 1)
    assert bitmap.next_dirty_area(0, INT64_MAX) == (65, 1)


def test_searches_after_shrinking_stop_at_the_new_end() -> None:
    """B2, the other way round."""
    bitmap = HBitmap(128)
    bitmap.set(0, 128)
    bitmap.truncate(64)
    assert bitmap.next_zero(0) == -1
    assert bitmap.next_dirty(64) == -1
    assert bitmap.next_dirty_area(0, INT64_MAX) == (0, 64)


def test_next_zero_in_a_cut_last_granule_is_never_at_or_past_the_size() -> None:
    """B17: the last granule of 100 items at granularity 3 covers 96 to 103, of which 100 to 103 do not exist."""
    bitmap = HBitmap(100, 3)
    bitmap.set(0, 96)
    assert bitmap.next_zero(0) == 96
    assert bitmap.next_zero(99) == 99
    bitmap.set(99, 1)
    assert bitmap.next_zero(0) == -1
    assert bitmap.next_dirty_area(97, INT64_MAX) == (97, 3)


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [(0, 64, (False, 64)), (0, 200, (False, 64)), (64, 64, (True, 64)), (64, 1, (True, 1)), (70, 100, (True, 58))],
)
def test_status_of_a_start_tells_dirty_from_clean(start: int, count: int, expected: tuple[bool, int]) -> None:
    """B10: one dirty granule at the start with clean ones behind it was reported clean."""
    bitmap = HBitmap(1024, 6)
    bitmap.set(64, 64)
    assert bitmap.status(start, count) == expected


def test_searches_at_or_past_the_size_find_nothing() -> None:
    bitmap = HBitmap(100)
    bitmap.set(0, 100)
    for start in (100, 101, INT64_MAX):
        assert bitmap.next_dirty(start) == -1
        assert bitmap.next_zero(start) == -1
        assert bitmap.next_dirty_area(start, INT64_MAX) is None
