"""What setting, resetting and reading do, with the numbers of QEMU's own test: rows HB-01 to HB-18."""

from __future__ import annotations

import pytest

from reference_impl.hbitmap import INT64_MAX, HBitmap

L1 = 64
L2 = 64 * L1
L3 = 64 * L2

#: row: (size, steps); a step is a change and the count of dirty items after it.
HISTORIES: dict[str, tuple[int, str]] = {
    "HB-09": (L3, "set 0 262144 = 262144"),
    "HB-10": (2 * L2, "set 10 1 = 1; set 63 1 = 2; set 64 1 = 3; set 4095 1 = 4; set 4096 1 = 5"),
    "HB-11": (
        2 * L2,
        "set 63 2 = 2; set 127 4 = 6; set 256 65 = 71; set 511 65 = 136; set 4095 2 = 138; set 4159 8 = 146;"
        "set 4352 65 = 211; set 4607 65 = 276",
    ),
    "HB-12": (
        2 * L3,
        "set 63 66 = 66; set 191 66 = 132; set 320 129 = 261; set 511 129 = 390; set 4095 66 = 456; set 4223 66 = 522;"
        "set 4352 129 = 651; set 4543 129 = 780; set 8191 516096 = 516876",
    ),
    "HB-13": (3 * L1, "set 0 192 = 192; set 64 1 = 192"),
    "HB-14": (
        2 * L3,
        "set 63 66 = 66; set 127 130 = 194; set 0 192 = 257; set 511 4096 = 4353; set 4096 64 = 4353;"
        "set 4031 514 = 4353; set 4096 258049 = 261891; set 262080 192 = 262018; set 262143 3 = 262018;"
        "set 262143 4096 = 265985",
    ),
    "HB-15": (L3, "reset 0 262144 = 0"),
    "HB-16": (
        2 * L3,
        "set 63 66 = 66; reset 127 130 = 64; set 0 192 = 192; reset 511 4096 = 192; set 4096 64 = 256;"
        "reset 4031 514 = 192; set 4096 258049 = 258241; reset 262080 192 = 258176; set 262143 3 = 258179;"
        "reset 262143 4096 = 258176; set 0 524288 = 524288; reset 0 64 = 524224; reset 0 4096 = 520192;"
        "reset 262144 262144 = 258048; set 131072 262144 = 389120",
    ),
    "HB-17": (
        2 * L3,
        "set 63 66 = 66; reset_all = 0; set 0 192 = 192; reset_all = 0; set 4096 64 = 64; reset_all = 0;"
        "set 4096 258049 = 258049; reset_all = 0; set 262143 3 = 3; reset_all = 0; set 0 524288 = 524288;"
        "reset_all = 0; set 131072 262144 = 262144; reset_all = 0",
    ),
}


def apply(bitmap: HBitmap, dirty: bytearray, step: str) -> int:
    """Do one step to the bitmap and to a flat array of bytes, and return the count it is to have."""
    change, _, count = step.partition("=")
    verb, *numbers = change.split()
    if verb == "reset_all":
        bitmap.reset_all()
        dirty[:] = bytes(len(dirty))
    else:
        start, length = map(int, numbers)
        getattr(bitmap, verb)(start, length)
        dirty[start : start + length] = bytes([verb == "set"]) * length
    return int(count)


def areas_of(dirty: bytes) -> list[tuple[int, int]]:
    """The dirty runs of a flat array, as (start, count)."""
    areas = []
    start = dirty.find(1)
    while start >= 0:
        end = dirty.find(0, start)
        end = len(dirty) if end < 0 else end
        areas.append((start, end - start))
        start = dirty.find(1, end)
    return areas


@pytest.mark.parametrize("row", HISTORIES)
def test_history_of_changes_leaves_the_areas_and_the_count_of_a_flat_array(row: str) -> None:
    size, steps = HISTORIES[row]
    bitmap, dirty = HBitmap(size), bytearray(size)
    for step in steps.split(";"):
        count = apply(bitmap, dirty, step)
        areas = []
        start = 0
        while area := bitmap.next_dirty_area(start, size):
            areas.append(area)
            start = sum(area)
        assert areas == areas_of(dirty), step
        assert bitmap.count == count, step


@pytest.mark.slow
@pytest.mark.parametrize("row", HISTORIES)
def test_history_of_changes_is_iterated_item_by_item(row: str) -> None:
    """The check that QEMU's test makes after each change; HB-48 looks before each step of the iterator."""
    size, steps = HISTORIES[row]
    bitmap, dirty = HBitmap(size), bytearray(size)
    for step in steps.split(";"):
        count = apply(bitmap, dirty, step)
        iterator = bitmap.iterator()
        item = -1
        for _ in range(count):
            item = dirty.find(1, item + 1)
            assert iterator.next(advance=False) == item
            assert iterator.next() == item
        assert iterator.next(advance=False) == -1
        assert iterator.next() == -1


def test_bitmap_of_size_0_exists() -> None:
    """HB-01."""
    bitmap = HBitmap(0)
    assert (bitmap.size, bitmap.granules, bitmap.count) == (0, 0, 0)
    bitmap.set(0, 0)
    bitmap.reset_all()
    assert bitmap.next_dirty(0) == -1


def test_bitmap_of_unaligned_size_has_its_last_item() -> None:
    """HB-02."""
    bitmap = HBitmap(L3 + 23)
    bitmap.set(0, 1)
    assert bitmap.count == 1
    bitmap.set(L3 + 22, 1)
    assert bitmap.count == 2
    iterator = bitmap.iterator()
    assert [iterator.next() for _ in range(3)] == [0, L3 + 22, -1]


@pytest.mark.slow
def test_get_on_a_full_bitmap_is_true_everywhere() -> None:
    """HB-07."""
    bitmap = HBitmap(L3)
    bitmap.set(0, L3)
    assert sum(bitmap.get(item) for item in range(L3)) == L3
    assert bitmap.count == L3


def test_get_is_true_for_set_items_only() -> None:
    """HB-08."""
    bitmap = HBitmap(2 * L2)
    expected: set[int] = set()
    for item in (10, 63, 64, 4095, 4096):
        bitmap.set(item, 1)
        expected.add(item)
        assert {item for item in range(2 * L2) if bitmap.get(item)} == expected
        assert bitmap.count == len(expected)


def test_set_and_reset_of_nothing_change_nothing() -> None:
    """B8: a count of zero was a range that ended before it began."""
    bitmap = HBitmap(128, 1)
    bitmap.set(2, 2)
    for start in (0, 2, 3, 4, 64, 128):
        bitmap.set(start, 0)
        bitmap.reset(start, 0)
    assert bitmap.next_dirty_area(0, 128) == (2, 2)
    assert bitmap.count == 2


def test_granule_is_dirty_as_a_whole() -> None:
    """HB-18, today's rule: only whole granules are reset."""
    bitmap = HBitmap(64, 1)
    bitmap.set(0, 1)
    assert bitmap.count == 2
    bitmap.set(2, 1)
    assert bitmap.count == 4
    iterator = bitmap.iterator()
    assert [iterator.next() for _ in range(3)] == [0, 2, -1]
    bitmap.set(0, 3)
    assert bitmap.count == 4
    bitmap.reset(0, 2)
    assert bitmap.count == 2
    assert bitmap.next_dirty(0) == 2


def test_reset_rounding_outward_loses_the_rest_of_the_granule() -> None:
    """HB-18 as in 2018, B9: item 1 was not part of the reset, and is clean."""
    bitmap = HBitmap(64, 1)
    bitmap.set(0, 3)
    bitmap.reset_rounding_outward(0, 1)
    assert bitmap.count == 2
    assert not bitmap.get(1)


@pytest.mark.parametrize("size", [100, 97, 103])
def test_reset_of_a_cut_last_granule_may_end_at_the_size_or_at_the_granule(size: int) -> None:
    bitmap = HBitmap(size, 3)
    for end in (size, 104):
        bitmap.set(0, size)
        bitmap.reset(88, end - 88)
        assert bitmap.count == 88
        assert bitmap.next_dirty(88) == -1


@pytest.mark.parametrize("granularity", [30, 31, 32, 40, 62])
def test_large_granularity_keeps_whole_granules(granularity: int) -> None:
    """B14: 2**granularity does not fit in 32 bits from 31 or 32 on."""
    granule = 1 << granularity
    bitmap = HBitmap(min(3 * granule, INT64_MAX), granularity)
    bitmap.set(granule, 1)
    assert bitmap.count == granule
    assert bitmap.next_dirty(0) == granule
    assert bitmap.next_zero(granule) == (2 * granule if 2 * granule < INT64_MAX else -1)
    bitmap.reset(granule, granule if 2 * granule < INT64_MAX else INT64_MAX - granule)
    assert bitmap.count == 0


def test_largest_bitmap_is_set_and_read_at_its_end() -> None:
    """B15: positions stay positive up to 2^63-1."""
    bitmap = HBitmap(INT64_MAX, 22)
    bitmap.set(INT64_MAX - 1, 1)
    assert bitmap.next_dirty_area(0, INT64_MAX) == (INT64_MAX + 1 - (1 << 22), (1 << 22) - 1)
    assert bitmap.iterator().next() == INT64_MAX + 1 - (1 << 22)
    bitmap.set(0, INT64_MAX)
    assert bitmap.next_zero(0) == -1
    assert bitmap.count == INT64_MAX + 1


@pytest.mark.parametrize(
    ("level", "index", "word"),
    [
        (6, 0, 1 << 63),
        (6, 1, 1),
        (6, 4096, 0b11),
        (5, 0, 0b11),
        (5, 64, 1),
        (4, 0, 1),
        (4, 1, 1),
        (3, 0, 0b11),
        (0, 0, 1),
    ],
)
def test_word_of_a_level_has_a_bit_for_each_word_below_that_is_not_zero(level: int, index: int, word: int) -> None:
    bitmap = HBitmap(2 * L3)
    bitmap.set(63, 2)
    bitmap.set(L3, 2)
    assert bitmap.word(level, index) == word
