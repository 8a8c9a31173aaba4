"""Iterating, undisturbed and while the bitmap changes: rows HB-03 to HB-06 and HB-48, B11 to B13.

``BORDERS`` are the first items of a second word, and of a second word at each level above: the places where the
iterator leaves the words it has cached and reads new ones.
"""

from __future__ import annotations

import pytest

from reference_impl.hbitmap import HBitmap
from reference_impl.hbitmap_iterator import HBitmapIterator

L1, L2, L3 = 64, 64**2, 64**3

BORDERS = [64**level for level in range(1, 7)]
SIZE = 2 * BORDERS[-1]


def remaining(iterator: HBitmapIterator) -> list[int]:
    """Every item still to come, each looked at before it is taken (HB-48)."""
    items = []
    while True:
        item = iterator.next(advance=False)
        assert iterator.next() == item
        if item < 0:
            assert iterator.next(advance=False) == -1
            return items
        items.append(item)


def bitmap_with(*items: int, size: int = SIZE) -> HBitmap:
    bitmap = HBitmap(size)
    for item in items:
        bitmap.set(item, 1)
    return bitmap


# Section: undisturbed


def test_iterator_of_a_clean_bitmap_is_at_its_end() -> None:
    """HB-03."""
    assert remaining(HBitmap(L1).iterator()) == []


@pytest.mark.slow
@pytest.mark.parametrize("first", [1, 63, 64, 127, 4095, 4096, 4097, 4160, 4223, 8191, 8192, 8193, 8256, 8319, 131072])
def test_iterator_of_a_full_bitmap_gives_every_item_from_its_first(first: int) -> None:
    """HB-04."""
    bitmap = HBitmap(L3)
    bitmap.set(0, L3)
    iterator = bitmap.iterator(first)
    for item in range(first, L3):
        assert iterator.next() == item
    assert iterator.next() == -1


def test_iterator_gives_starts_of_granules() -> None:
    """HB-05."""
    bitmap = HBitmap(131072 << 7, 7)
    assert remaining(bitmap.iterator()) == []
    bitmap.set(532616, 8)
    assert remaining(bitmap.iterator()) == [532608]
    assert remaining(bitmap.iterator(532736)) == []
    bitmap.set(16777208, 8)
    assert remaining(bitmap.iterator()) == [532608, 16777088]
    assert remaining(bitmap.iterator(532736)) == [16777088]


def test_iterator_from_inside_a_granule_gives_that_granule() -> None:
    bitmap = HBitmap(1024, 6)
    bitmap.set(64, 64)
    assert remaining(bitmap.iterator(127)) == [64]


@pytest.mark.parametrize("border", BORDERS)
def test_iterator_from_around_a_border_gives_all_from_there(border: int) -> None:
    items = [0, border - 2, border - 1, border, border + 1, SIZE - 1]
    bitmap = bitmap_with(*items)
    for first in range(border - 3, border + 3):
        assert remaining(bitmap.iterator(first)) == sorted({item for item in items if item >= first})


def test_iterator_at_its_end_stays_there_though_items_are_set_behind_it() -> None:
    bitmap = bitmap_with(100)
    iterator = bitmap.iterator()
    assert remaining(iterator) == [100]
    bitmap.set(0, 100)
    assert remaining(iterator) == []


def test_iterator_moved_reads_everything_anew() -> None:
    bitmap = bitmap_with(10)
    iterator = bitmap.iterator()
    assert iterator.next() == 10
    bitmap.set(5, 3)
    iterator.move_to(6)
    assert remaining(iterator) == [6, 7, 10]
    iterator.move_to(0)
    iterator.move_to_end()
    assert remaining(iterator) == []


# Section: resetting is seen


def test_reset_of_everything_ends_the_iteration() -> None:
    """HB-06."""
    bitmap = HBitmap(2 * L1)
    bitmap.set(0, 2 * L1)
    iterator = bitmap.iterator(63)
    assert iterator.next() == 63
    bitmap.reset_all()
    assert iterator.next() == -1


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_item_reset_ahead_is_not_given(border: int, shift: int) -> None:
    """B11, on both sides of each border and whether or not the word is cached."""
    victim = border + shift
    bitmap = bitmap_with(0, *range(border - 2, border + 3))
    iterator = bitmap.iterator()
    assert iterator.next() == 0
    bitmap.reset(victim, 1)
    assert remaining(iterator) == [item for item in range(border - 2, border + 3) if item not in (0, victim)]


@pytest.mark.parametrize("border", BORDERS)
def test_item_looked_at_and_then_reset_is_not_given(border: int) -> None:
    bitmap = bitmap_with(border - 1, border, border + 1)
    iterator = bitmap.iterator()
    for item in (border - 1, border):
        assert iterator.next(advance=False) == item
        bitmap.reset(item, 1)
    assert remaining(iterator) == [border + 1]


@pytest.mark.parametrize("border", BORDERS)
def test_whole_subtree_reset_ahead_is_passed(border: int) -> None:
    bitmap = bitmap_with(0, 1, SIZE - 1)
    bitmap.set(border, border)
    iterator = bitmap.iterator()
    assert iterator.next() == 0
    bitmap.reset(border, border)
    # Item 1 is in a cached word, which is used once more before the words above are.
    assert remaining(iterator) == ([1, SIZE - 1] if 2 * border < SIZE else [1])


@pytest.mark.parametrize("border", BORDERS)
def test_item_reset_and_set_again_before_it_is_due_is_given(border: int) -> None:
    bitmap = bitmap_with(0, border)
    iterator = bitmap.iterator()
    assert iterator.next() == 0
    bitmap.reset(border, 1)
    bitmap.set(border, 1)
    assert remaining(iterator) == [border]


def test_item_reset_when_its_word_was_left_is_missed_though_set_again() -> None:
    """The cache forgets at the moment it is and-ed: here, when the iterator goes up to find the next word."""
    bitmap = bitmap_with(0, 64, 128)
    iterator = bitmap.iterator()
    assert iterator.next() == 0
    bitmap.reset(64, 1)
    assert iterator.next() == 128
    bitmap.set(64, 1)
    assert remaining(iterator) == []


# Section: setting may be missed


@pytest.mark.parametrize("border", BORDERS)
def test_item_set_behind_is_missed(border: int) -> None:
    bitmap = bitmap_with(border, border + 2)
    iterator = bitmap.iterator()
    assert iterator.next() == border
    bitmap.set(border - 1, 1)
    assert remaining(iterator) == [border + 2]


@pytest.mark.parametrize("border", BORDERS)
def test_item_set_ahead_in_the_cached_word_is_missed(border: int) -> None:
    """B12: the mirror expected to be given this one next."""
    bitmap = bitmap_with(border, border + 2)
    iterator = bitmap.iterator()
    assert iterator.next() == border
    bitmap.set(border + 1, 1)
    assert remaining(iterator) == [border + 2]


@pytest.mark.parametrize("border", BORDERS)
def test_item_set_ahead_where_all_was_clean_is_missed(border: int) -> None:
    """The word of the level above is cached too, and says that there is nothing."""
    bitmap = bitmap_with(0)
    iterator = bitmap.iterator()
    bitmap.set(border, 1)
    assert remaining(iterator) == [0]


@pytest.mark.parametrize("border", BORDERS)
def test_item_set_ahead_where_something_was_dirty_is_given(border: int) -> None:
    """That subtree's own words are read when the iterator gets there."""
    bitmap = bitmap_with(0, border + 1)
    iterator = bitmap.iterator()
    assert iterator.next() == 0
    bitmap.set(border, 1)
    bitmap.set(2 * border - 1, 1)
    assert remaining(iterator) == sorted({border, border + 1, 2 * border - 1})


@pytest.mark.parametrize("border", BORDERS)
def test_two_iterators_each_keep_their_own_words(border: int) -> None:
    bitmap = bitmap_with(border, border + 2)
    early, late = bitmap.iterator(), bitmap.iterator()
    assert early.next() == border
    bitmap.set(border + 1, 1)
    assert remaining(late) == ([border, border + 1, border + 2] if border > 0 else [])
    assert remaining(early) == [border + 2]


# Section: fetching ahead, which nobody may notice


@pytest.mark.parametrize("spread", [1, 3, 64, 1000])
@pytest.mark.parametrize("looks", [False, True])
def test_iterator_that_fetches_ahead_gives_what_one_with_cached_words_gives(spread: int, looks: bool) -> None:
    """The first change comes after each number of steps, so also at the border of what was fetched at a time."""
    items = range(0, 45 * spread, spread)
    for steps in range(45):
        bitmap = bitmap_with(*items, size=2**20)
        fetching, caching = bitmap.iterator(), bitmap.iterator()
        caching.before_change()
        for _ in range(steps):
            assert fetching.next() == caching.next()
        if looks:
            assert fetching.next(advance=False) == caching.next(advance=False)
        for item in range(0, 46 * spread, max(1, spread // 3)):
            bitmap.set(item, 1)
        bitmap.reset((steps + 1) * spread, 1)
        assert remaining(fetching) == remaining(caching)


def test_iterator_moved_after_a_change_sees_the_bitmap_as_it_is() -> None:
    bitmap = bitmap_with(1, 2)
    iterator = bitmap.iterator()
    assert iterator.next() == 1
    bitmap.set(0, 1)
    bitmap.set(3, 1)
    iterator.move_to(0)
    assert iterator.next() == 0
    bitmap.reset(2, 1)
    assert remaining(iterator) == [1, 3]
    iterator.move_to(0)
    iterator.move_to_end()
    assert remaining(iterator) == []
    bitmap.set(5, 1)
    assert remaining(iterator) == []
