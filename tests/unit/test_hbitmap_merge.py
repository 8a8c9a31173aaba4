"""Merging gives the union, whatever is merged into what: B3, B5, B6."""

from __future__ import annotations

import pytest

from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap


def bitmap_of(size: int, granularity: int, *areas: tuple[int, int]) -> HBitmap:
    bitmap = HBitmap(size, granularity)
    for area in areas:
        bitmap.set(*area)
    return bitmap


def areas(bitmap: HBitmap) -> list[tuple[int, int]]:
    found = []
    start = 0
    while area := bitmap.next_dirty_area(start, bitmap.size):
        found.append(area)
        start = sum(area)
    return found


def test_merge_into_a_third_bitmap_replaces_its_content() -> None:
    a = bitmap_of(1000, 0, (0, 10), (500, 1))
    b = bitmap_of(1000, 0, (5, 10), (999, 1))
    result = bitmap_of(1000, 0, (200, 100))
    HBitmap.merge(a, b, result)
    assert areas(result) == [(0, 15), (500, 1), (999, 1)]
    assert result.count == 17
    assert areas(a) == [(0, 10), (500, 1)]
    assert areas(b) == [(5, 10), (999, 1)]


@pytest.mark.parametrize("empty", ["a", "b", "both"])
def test_merge_of_an_empty_bitmap_into_a_third_leaves_nothing_stale(empty: str) -> None:
    """B5: with b empty the merge was skipped, and the result kept what it had."""
    a = bitmap_of(128, 0, *([] if empty != "b" else [(3, 4)]))
    b = bitmap_of(128, 0, *([] if empty != "a" else [(3, 4)]))
    result = bitmap_of(128, 0, (64, 64))
    HBitmap.merge(a, b, result)
    assert areas(result) == ([] if empty == "both" else [(3, 4)])


def test_merge_counts_so_that_the_next_merge_sees_it() -> None:
    """B3: the count stayed zero, and a merge from a bitmap that seemed empty did nothing."""
    a, b, c = HBitmap(4096), HBitmap(4096), bitmap_of(4096, 0, (63, 2))
    b.merge_from(c)
    assert b.count == 2
    a.merge_from(b)
    assert areas(a) == [(63, 2)]


@pytest.mark.parametrize("granularity_a", [0, 3, 6])
@pytest.mark.parametrize("granularity_b", [0, 3, 6])
@pytest.mark.parametrize("into", ["a", "b", "third"])
def test_merge_across_granularities_rounds_outward_on_the_coarser_side(
    granularity_a: int, granularity_b: int, into: str
) -> None:
    """B6."""
    size = 1001
    a = bitmap_of(size, granularity_a, (9, 3), (1000, 1))
    b = bitmap_of(size, granularity_b, (500, 70))
    result = {"a": a, "b": b, "third": bitmap_of(size, 4, (300, 50))}[into]
    granule = 1 << result.granularity
    dirty = {item for item in range(size) if a.get(item) or b.get(item)}
    expected = {item for item in range(size) if dirty & set(range(item & -granule, (item & -granule) + granule))}
    HBitmap.merge(a, b, result)
    assert {item for item in range(size) if result.get(item)} == expected
    assert result.count == len({item // granule for item in expected}) * granule


def test_merge_with_itself_changes_nothing() -> None:
    bitmap = bitmap_of(128, 1, (3, 4))
    HBitmap.merge(bitmap, bitmap, bitmap)
    assert (areas(bitmap), bitmap.count) == ([(2, 6)], 6)


def test_merge_of_different_sizes_is_refused() -> None:
    a, b, result = bitmap_of(64, 0, (1, 1)), HBitmap(65), bitmap_of(64, 0, (2, 2))
    with pytest.raises(BitmapError, match=r"^size 65 is not the size 64 of the result$") as caught:
        HBitmap.merge(a, b, result)
    assert caught.value.value == 65
    assert areas(result) == [(2, 2)]
