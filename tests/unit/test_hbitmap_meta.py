"""A meta bitmap records which chunks change: rows HB-30 to HB-34."""

from __future__ import annotations

import pytest

from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap

L1, L2, L3 = 64, 64**2, 64**3


def assert_meta_sees(
    bitmap: HBitmap, meta: HBitmap, start: int, count: int, check_start: int, check_count: int
) -> None:
    """What QEMU's test of 2018 does for each range."""
    bitmap.reset_all()
    meta.reset_all()
    bitmap.reset(start, count)
    assert meta.next_dirty(0) == -1, "a reset of clean items changed nothing"
    bitmap.set(start, count)
    assert meta.next_dirty_area(0, meta.size) == (check_start, check_count)
    assert meta.count == check_count
    meta.reset_all()
    bitmap.set(start, count)
    assert meta.next_dirty(0) == -1, "setting dirty items changed nothing"
    bitmap.reset(start, count)
    assert meta.next_dirty_area(0, meta.size) == (check_start, check_count)
    assert meta.count == check_count


def test_meta_of_an_empty_bitmap_is_empty() -> None:
    """HB-30."""
    meta = HBitmap(0).create_meta(1)
    assert (meta.size, meta.count) == (0, 0)


@pytest.mark.parametrize("count", [1, L1, L2])
@pytest.mark.parametrize("start", [0, 1, L1 - 1, L1, L1 + 1, L2 - 1, L2, L2 + 1, L3 - 1, L3, L3 + 1])
def test_meta_with_chunks_of_one_sees_the_range_itself(start: int, count: int) -> None:
    """HB-31."""
    bitmap = HBitmap(2 * L3)
    assert_meta_sees(bitmap, bitmap.create_meta(1), start, count, start, count)


@pytest.mark.parametrize("row", ["HB-32", "HB-33", "HB-34"])
def test_meta_with_larger_chunks_sees_whole_chunks(row: str) -> None:
    chunk, size, ranges = {
        "HB-32": (
            8,
            800,
            "0 1 0 8, 0 8 0 8, 7 1 0 8, 7 2 0 16, 7 9 0 16, 7 10 0 24, 55 10 48 24, 799 1 792 8, 0 800 0 800",
        ),
        "HB-33": (
            64,
            6400,
            "0 1 0 64, 0 64 0 64, 63 1 0 64, 63 2 0 128, 63 65 0 128, 63 66 0 192, 447 66 384 192, 6399 1 6336 64,"
            "0 6400 0 6400",
        ),
        "HB-34": (
            4096,
            409600,
            "0 1 0 4096, 0 4096 0 4096, 4095 1 0 4096, 4095 2 0 8192, 4095 4097 0 8192, 4095 4098 0 12288,"
            "28671 4098 24576 12288, 409599 1 405504 4096, 0 409600 0 409600",
        ),
    }[row]
    bitmap = HBitmap(size)
    meta = bitmap.create_meta(chunk)
    for numbers in ranges.split(","):
        assert_meta_sees(bitmap, meta, *map(int, numbers.split()))


def test_meta_sees_a_change_that_is_only_in_the_middle() -> None:
    """A word in the middle that was partly dirty counts as a change as well; QEMU's own words missed that."""
    bitmap = HBitmap(192)
    bitmap.set(0, 64)
    bitmap.set(64, 1)
    bitmap.set(128, 64)
    meta = bitmap.create_meta(64)
    bitmap.set(0, 192)
    assert meta.count == 192


def test_meta_follows_a_truncation_and_ends_when_freed() -> None:
    bitmap = HBitmap(64)
    meta = bitmap.create_meta(8)
    bitmap.truncate(128)
    bitmap.set(120, 1)
    assert meta.next_dirty_area(0, 128) == (120, 8)
    bitmap.free_meta()
    bitmap.set(0, 8)
    assert meta.count == 8


def test_meta_that_cannot_be_is_refused() -> None:
    bitmap = HBitmap(64)
    with pytest.raises(BitmapError, match=r"^the bitmap has no meta bitmap$"):
        bitmap.free_meta()
    for chunk in (-8, 0, 3):
        with pytest.raises(BitmapError, match=f"^chunk {chunk} is not a power of two$"):
            bitmap.create_meta(chunk)
    bitmap.create_meta(8)
    with pytest.raises(BitmapError, match=r"^the bitmap has a meta bitmap already$"):
        bitmap.create_meta(8)
