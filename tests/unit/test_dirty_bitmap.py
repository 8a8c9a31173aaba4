"""The disk's view of the bitmap: rows NA-1 to NA-9, B1, B7, B16, B19 to B21."""

from __future__ import annotations

import pytest

from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.errors import BitmapError
from reference_impl.series_2018 import INT_MAX, AreaHidesCutGranule, AreaStartsEarly, DirtyBitmap2018

KIB = 1024
MIB = 1024 * KIB
GRANULE = 64 * KIB

Areas = list[tuple[int, int]]

#: row: size of the disk, dirty areas, where the iterator is set, maximum, areas as the series found them.
NEXT_AREA_ROWS: dict[str, tuple[int, Areas, int, int, Areas]] = {
    "NA-1": (1048576, [(0, 65536), (131072, 131072)], 0, 1048576, [(0, 65536), (131072, 131072)]),
    "NA-2": (1000000, [(983040, 16960)], 0, 1000000, [(983040, 16960)]),
    "NA-3": (1000000, [(0, 1000000)], 0, 1000000, [(0, 1000000)]),
    "NA-4": (1048576, [(0, 65536)], 0, 32768, []),
    "NA-5": (1048576, [(0, 65536)], 100, 65536, [(0, 65536)]),
    "NA-6": (1048576, [(65536, 196608)], 0, 196608, [(65536, 131072)]),
    "NA-7": (1048576, [], 0, 1048576, []),
    "NA-8": (1048576, [(65536, 65536)], 131072, 1048576, []),
    "NA-9": (1048576, [(0, 131072)], 0, 100000, [(0, 100000)]),
}

#: What a bitmap without the defects finds, where that differs.
WITHOUT_DEFECTS: dict[str, Areas] = {"NA-4": [(0, 32768)], "NA-5": [(100, 65436)]}


def areas_found(kind: type[DirtyBitmap], row: str) -> Areas:
    size, dirty, start, max_offset, _ = NEXT_AREA_ROWS[row]
    bitmap = kind(size, GRANULE)
    for area in dirty:
        bitmap.set(*area)
    iterator = bitmap.iterator(start)
    areas = []
    while area_found := bitmap.next_area(iterator, max_offset):
        areas.append(area_found)
    return areas


@pytest.mark.parametrize("row", NEXT_AREA_ROWS)
def test_next_area_of_2018_finds_what_the_series_found(row: str) -> None:
    assert areas_found(DirtyBitmap2018, row) == NEXT_AREA_ROWS[row][-1]


@pytest.mark.parametrize("row", NEXT_AREA_ROWS)
def test_next_area_today_finds_every_dirty_byte_and_no_other(row: str) -> None:
    assert areas_found(DirtyBitmap, row) == WITHOUT_DEFECTS.get(row, NEXT_AREA_ROWS[row][-1])


def test_next_area_with_one_defect_shows_that_one() -> None:
    assert areas_found(AreaStartsEarly, "NA-5") == [(0, 65536)]
    assert areas_found(AreaStartsEarly, "NA-4") == WITHOUT_DEFECTS["NA-4"]
    assert areas_found(AreaHidesCutGranule, "NA-5") == WITHOUT_DEFECTS["NA-5"]
    assert areas_found(AreaHidesCutGranule, "NA-4") == []


def test_next_area_of_2018_passes_the_dirty_granule_behind_the_maximum() -> None:
    """The trait of NA-6: asked again with a larger maximum, the series' iterator has left it behind."""
    expected = {DirtyBitmap2018: None, DirtyBitmap: (131072, 65536)}
    for kind, area in expected.items():
        bitmap = kind(MIB, GRANULE)
        bitmap.set(0, 3 * GRANULE)
        iterator = bitmap.iterator()
        assert bitmap.next_area(iterator, 2 * GRANULE) == (0, 2 * GRANULE)
        assert bitmap.next_area(iterator, MIB) == area


def test_next_area_of_2018_ends_an_area_before_its_length_overflows() -> None:
    bitmap = DirtyBitmap2018(4 << 30, 1 << 30)
    bitmap.set(0, 4 << 30)
    iterator = bitmap.iterator()
    assert bitmap.next_area(iterator, 4 << 30) == (0, 1 << 30)
    assert INT_MAX < 2 << 30


def test_next_area_resumes_where_a_cut_granule_was_left() -> None:
    bitmap = DirtyBitmap(MIB, GRANULE)
    bitmap.set(0, GRANULE)
    iterator = bitmap.iterator()
    assert bitmap.next_area(iterator, 1000) == (0, 1000)
    assert bitmap.next_area(iterator, MIB) == (1000, GRANULE - 1000)
    assert bitmap.next_area(iterator, MIB) is None


def test_next_area_after_next_begins_behind_that_granule() -> None:
    bitmap = DirtyBitmap(MIB, GRANULE)
    bitmap.set(0, MIB)
    iterator = bitmap.iterator()
    assert iterator.next(advance=False) == 0
    assert iterator.next() == 0
    assert bitmap.next_area(iterator, MIB) == (GRANULE, MIB - GRANULE)
    assert iterator.next() == -1


def test_next_dirty_area_is_cut_at_an_unaligned_start_and_end() -> None:
    """B1."""
    bitmap = DirtyBitmap(MIB, GRANULE)
    bitmap.set(GRANULE, GRANULE)
    assert bitmap.next_dirty_area(70 * KIB, 100 * KIB) == (70 * KIB, 30 * KIB)
    assert bitmap.next_dirty_area(0, 70 * KIB) == (GRANULE, 6 * KIB)
    assert bitmap.next_dirty_area(0, MIB, 512) == (GRANULE, 512)


def test_bitmap_of_a_disk_counts_bytes_of_whole_granules() -> None:
    """B19; the last granule counts in full."""
    bitmap = DirtyBitmap(1000000, GRANULE, "bitmap0")
    assert (bitmap.size_bytes, bitmap.granularity_bytes, bitmap.name) == (1000000, GRANULE, "bitmap0")
    bitmap.set(70000, 1)
    assert bitmap.count_bytes == GRANULE
    bitmap.set(999999, 1)
    assert bitmap.count_bytes == 2 * GRANULE
    assert bitmap.get(GRANULE)
    assert not bitmap.get(0)
    assert bitmap.next_dirty(0) == GRANULE
    assert bitmap.next_zero(GRANULE) == 2 * GRANULE
    bitmap.reset(GRANULE, GRANULE)
    bitmap.reset(983040, 16960)
    assert bitmap.count_bytes == 0


def test_clear_makes_everything_clean() -> None:
    bitmap = DirtyBitmap(MIB, GRANULE)
    bitmap.set(0, MIB)
    bitmap.clear()
    assert bitmap.count_bytes == 0


def test_reset_of_part_of_a_granule_is_refused() -> None:
    """C1: rounding outward here lost what was not copied."""
    bitmap = DirtyBitmap(MIB, GRANULE)
    bitmap.set(0, MIB)
    with pytest.raises(BitmapError, match=r"^start 512 is not a multiple of the granule 65536$"):
        bitmap.reset(512, GRANULE)
    with pytest.raises(
        BitmapError, match=r"^count 512 is not a multiple of the granule 65536 and does not end at the size 1048576$"
    ):
        bitmap.reset(0, 512)
    assert bitmap.count_bytes == MIB


@pytest.mark.parametrize(
    ("granularity", "message"),
    [
        (0, "granularity 0 is not a power of two"),
        (-512, "granularity -512 is not a power of two"),
        (4095, "granularity 4095 is not a power of two"),
        (256, "granularity 256 is less than a sector of 512"),
    ],
)
def test_granularity_that_cannot_be_is_refused(granularity: int, message: str) -> None:
    with pytest.raises(BitmapError, match=f"^{message}$"):
        DirtyBitmap(MIB, granularity)


def test_truncate_to_the_size_of_a_failed_query_is_refused() -> None:
    """B20."""
    bitmap = DirtyBitmap(MIB, GRANULE)
    bitmap.set(0, MIB)
    with pytest.raises(BitmapError, match=r"^size -1 is negative$"):
        bitmap.truncate(-1)
    assert bitmap.size_bytes == MIB
    bitmap.truncate(GRANULE)
    assert (bitmap.size_bytes, bitmap.count_bytes) == (GRANULE, GRANULE)


def test_disabled_bitmap_allows_its_owner_everything() -> None:
    """B21."""
    bitmap, other = DirtyBitmap(MIB, GRANULE), DirtyBitmap(MIB, GRANULE)
    other.set(0, 1)
    bitmap.disable()
    assert not bitmap.recording
    bitmap.check()
    bitmap.set(GRANULE, 1)
    bitmap.merge_from(other)
    assert bitmap.count_bytes == 2 * GRANULE
    bitmap.reset(0, GRANULE)
    bitmap.clear()
    assert bitmap.count_bytes == 0
    bitmap.enable()
    assert bitmap.recording


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("busy", "Bitmap 'b' is currently in use by another operation and cannot be used"),
        ("readonly", "Bitmap 'b' is readonly and cannot be modified"),
        ("inconsistent", "Bitmap 'b' is inconsistent and cannot be used"),
    ],
)
def test_user_command_on_a_bitmap_in_that_state_is_refused_with_qemu_s_text(state: str, message: str) -> None:
    bitmap, other = DirtyBitmap(MIB, GRANULE, "b"), DirtyBitmap(MIB, GRANULE, "other")
    bitmap.check()
    setattr(bitmap, state, True)
    with pytest.raises(BitmapError, match=f"^{message}$"):
        bitmap.check()
    with pytest.raises(BitmapError, match=f"^{message}$"):
        bitmap.merge_from(other)
    bitmap.check(**{f"allow_{state}": True})


def test_merge_rounds_outward_to_the_granules_of_the_destination() -> None:
    """B6."""
    bitmap, other = DirtyBitmap(1000000, GRANULE), DirtyBitmap(1000000, 512)
    other.set(GRANULE, 512)
    other.set(999999, 1)
    bitmap.merge_from(other)
    assert bitmap.count_bytes == 2 * GRANULE
    assert other.count_bytes == 1024
    other.merge_from(bitmap)
    assert other.next_dirty_area(0, MIB) == (GRANULE, GRANULE)


def test_merge_of_different_sizes_is_refused_with_qemu_s_text() -> None:
    """B7."""
    sizes = r"\(destination size is 1048576, source size is 512\)"
    with pytest.raises(BitmapError, match=f"^Bitmaps are of different sizes {sizes} and can't be merged$"):
        DirtyBitmap(MIB, GRANULE).merge_from(DirtyBitmap(512, GRANULE))


def test_serialization_coverage_of_a_large_chunk_does_not_overflow() -> None:
    """B16: bits of a chunk from 2^28 bytes on do not fit in 32 bits."""
    bitmap = DirtyBitmap(1 << 50, GRANULE)
    assert bitmap.serialization_coverage(8) == 64 * GRANULE
    assert bitmap.serialization_coverage(1 << 28) == 1 << (28 + 3 + 16)
    with pytest.raises(BitmapError, match=r"^chunk 12 is not a positive multiple of 8$"):
        bitmap.serialization_coverage(12)
