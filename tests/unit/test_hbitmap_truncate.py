"""Truncating keeps what still has a place and forgets the rest: rows HB-19 to HB-29, B2."""

from __future__ import annotations

import pytest

from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap

#: row: granularity, old and new size, items set, count before and after, granules iterated after, granules before and
#: after
TRUNCATIONS: dict[str, tuple[int, int, int, list[int], int, int, list[int], int, int]] = {
    "HB-19": (0, 4096, 4096, [0, 4095], 2, 2, [0, 4095], 4096, 4096),
    "HB-20": (1, 4095, 4096, [0, 4094], 4, 4, [0, 4094], 2048, 2048),
    "HB-21": (1, 4096, 4095, [0, 4094, 4095, 4095], 4, 4, [0, 4094], 2048, 2048),
    "HB-22": (1, 4094, 4095, [0, 4093], 4, 4, [0, 4092], 2047, 2048),
    "HB-23": (1, 4095, 4094, [0, 4093, 4094, 4094], 6, 4, [0, 4092], 2048, 2047),
    "HB-24": (0, 4097, 4101, [0, 4096], 2, 2, [0, 4096], 4097, 4101),
    "HB-25": (0, 4096, 4092, [0, 4091, 4092, 4095], 4, 2, [0, 4091], 4096, 4092),
    "HB-26": (0, 4095, 4099, [0, 4094], 2, 2, [0, 4094], 4095, 4099),
    "HB-27": (0, 4097, 4093, [0, 4092, 4093, 4096], 4, 2, [0, 4092], 4097, 4093),
    "HB-28": (0, 4096, 4160, [0, 4095], 2, 2, [0, 4095], 4096, 4160),
    "HB-29": (0, 4096, 4032, [0, 4031, 4032, 4095], 4, 2, [0, 4031], 4096, 4032),
}


@pytest.mark.parametrize("row", TRUNCATIONS)
def test_truncate_keeps_what_still_has_a_place(row: str) -> None:
    granularity, old, new, items, count_before, count_after, dirty_after, granules_before, granules_after = TRUNCATIONS[
        row
    ]
    bitmap = HBitmap(old, granularity)
    for item in items:
        bitmap.set(item, 1)
    assert (bitmap.count, bitmap.granules) == (count_before, granules_before)
    bitmap.truncate(new)
    assert (bitmap.size, bitmap.count, bitmap.granules) == (new, count_after, granules_after)
    iterator = bitmap.iterator()
    assert [iterator.next() for _ in range(len(dirty_after) + 1)] == [*dirty_after, -1]
    assert all(bitmap.get(item) for item in items if item < new)


def test_truncate_to_nothing_and_back_forgets_everything() -> None:
    bitmap = HBitmap(4097)
    bitmap.set(0, 4097)
    bitmap.truncate(0)
    assert (bitmap.count, bitmap.granules) == (0, 0)
    bitmap.truncate(4097)
    assert bitmap.next_dirty(0) == -1


@pytest.mark.parametrize("border", [64, 64**2, 64**3])
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_truncate_at_the_border_of_a_level_forgets_exactly_what_is_behind(border: int, shift: int) -> None:
    bitmap = HBitmap(2 * border)
    bitmap.set(0, 2 * border)
    bitmap.truncate(border + shift)
    assert bitmap.count == border + shift
    bitmap.truncate(2 * border)
    assert bitmap.next_zero(0) == border + shift
    assert bitmap.next_dirty(border + shift) == -1


@pytest.mark.parametrize("size", [64, 128, 32])
def test_iterator_after_truncate_is_refused(size: int) -> None:
    """Also when the size is the same: who truncates owes new iterators, whatever the numbers happen to be."""
    bitmap = HBitmap(64)
    iterator = bitmap.iterator()
    bitmap.truncate(size)
    with pytest.raises(BitmapError, match=r"^the bitmap was truncated after this iterator was made$"):
        iterator.next()
    with pytest.raises(BitmapError, match=r"^the bitmap was truncated after this iterator was made$"):
        iterator.move_to(0)
