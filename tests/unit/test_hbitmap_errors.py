"""What a bitmap does not allow is refused with the value and the rule, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reference_impl.errors import BitmapError, ModelError
from reference_impl.hbitmap import INT64_MAX, HBitmap

TOO_LARGE = INT64_MAX + 1


@pytest.mark.parametrize(
    ("size", "granularity", "message", "value"),
    [
        (-1, 0, r"size -1 is negative", -1),
        (TOO_LARGE, 63, r"size 9223372036854775808 is above 2\^63-1", TOO_LARGE),
        (64, -1, r"granularity -1 is not between 0 and 63", -1),
        (64, 64, r"granularity 64 is not between 0 and 63", 64),
        ((1 << 41) + 1, 0, r"size 2199023255553 makes 2199023255553 granules, more than 2199023255552", (1 << 41) + 1),
    ],
)
def test_bitmap_that_cannot_be_is_refused(size: int, granularity: int, message: str, value: int) -> None:
    with pytest.raises(BitmapError, match=f"^{message}$") as caught:
        HBitmap(size, granularity)
    assert caught.value.value == value
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, ModelError)


REFUSED: list[tuple[Callable[[HBitmap], object], str]] = [
    (lambda b: b.set(-1, 1), "start -1 is negative"),
    (lambda b: b.set(0, -1), "count -1 is negative"),
    (lambda b: b.set(0, 101 + 4), "start 0 plus count 105 is past the size 100"),
    (lambda b: b.set(INT64_MAX, INT64_MAX), f"start {INT64_MAX} plus count {INT64_MAX} is past the size 100"),
    (lambda b: b.set(TOO_LARGE, 1), r"start 9223372036854775808 is above 2\^63-1"),
    (lambda b: b.set(0, TOO_LARGE), r"count 9223372036854775808 is above 2\^63-1"),
    (lambda b: b.reset(-8, 8), "start -8 is negative"),
    (lambda b: b.reset(8, -8), "count -8 is negative"),
    (lambda b: b.reset(96, 16), "start 96 plus count 16 is past the size 100"),
    (lambda b: b.reset(1, 8), "start 1 is not a multiple of the granule 8"),
    (lambda b: b.reset(8, 9), "count 9 is not a multiple of the granule 8 and does not end at the size 100"),
    (lambda b: b.reset(8, 93), "count 93 is not a multiple of the granule 8 and does not end at the size 100"),
    (lambda b: b.reset_rounding_outward(96, 16), "start 96 plus count 16 is past the size 100"),
    (lambda b: b.get(-1), "item -1 is negative"),
    (lambda b: b.get(104), "item 104 is not below the size 100"),
    (lambda b: b.iterator(-1), "first -1 is negative"),
    (lambda b: b.iterator(104), "first 104 is not below the size 100"),
    (lambda b: b.next_dirty(-1), "start -1 is negative"),
    (lambda b: b.next_dirty(0, -1), "count -1 is negative"),
    (lambda b: b.next_dirty(0, TOO_LARGE), r"count 9223372036854775808 is above 2\^63-1"),
    (lambda b: b.next_zero(-1), "start -1 is negative"),
    (lambda b: b.next_zero(0, -1), "count -1 is negative"),
    (lambda b: b.next_dirty_area(-1, 1), "start -1 is negative"),
    (lambda b: b.next_dirty_area(0, -1), "end -1 is negative"),
    (lambda b: b.next_dirty_area(0, 1, 0), "max_dirty_count 0 is not positive"),
    (lambda b: b.status(0, 0), "count 0 is not positive"),
    (lambda b: b.status(96, 5), "start 96 plus count 5 is past the size 100"),
    (lambda b: b.truncate(-1), "size -1 is negative"),
    (lambda b: b.truncate(TOO_LARGE), r"size 9223372036854775808 is above 2\^63-1"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_call_that_is_refused_changes_nothing(call: Callable[[HBitmap], object], message: str) -> None:
    bitmap = HBitmap(100, 3)
    bitmap.set(10, 30)
    iterator = bitmap.iterator()
    before = (bitmap.size, bitmap.count, bitmap.sha256(), bitmap.changes)
    with pytest.raises(BitmapError, match=f"^{message}$"):
        call(bitmap)
    assert (bitmap.size, bitmap.count, bitmap.sha256(), bitmap.changes) == before
    assert iterator.next() == 8


def test_iterator_of_an_empty_bitmap_is_refused() -> None:
    """B13: there is no word to stand in."""
    with pytest.raises(BitmapError, match=r"^first 0 is not below the size 0$"):
        HBitmap(0).iterator()


def test_search_of_an_empty_bitmap_finds_nothing() -> None:
    bitmap = HBitmap(0)
    assert bitmap.next_dirty(0) == -1
    assert bitmap.next_zero(0) == -1
    assert bitmap.next_dirty_area(0, INT64_MAX) is None
