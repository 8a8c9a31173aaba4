"""What every part of the hierarchical bitmap stands on: its size, its words, and which items and ranges it has."""

from __future__ import annotations

from reference_impl.bitmap_limits import GRANULARITY_MAX, GRANULES_MAX, LAST_LEVEL, WORD_BITS_LOG2, check_int64
from reference_impl.errors import BitmapError
from reference_impl.runs import RunList, Watcher


class HBitmapBase:
    """Items in granules, clean, and with no way to make them dirty.

    :ivar generation: grows whenever the bitmap is truncated, so that its iterators know.
    """

    def __init__(self, size: int, granularity: int = 0) -> None:
        """Make a clean bitmap.

        :param size: items, 0 to 2**63-1, and no more than 2**41 granules.
        :param granularity: log2 of the items in a granule, 0 to 63.
        :raise BitmapError: when either is out of range.
        Source: HB-01, HB-02.
        """
        if not 0 <= granularity <= GRANULARITY_MAX:
            raise BitmapError(f"granularity {granularity} is not between 0 and {GRANULARITY_MAX}", granularity)
        self._granularity = granularity
        self._granules = self._checked_size(size)
        self._size = size
        self._dirty_granules = 0
        self._runs = RunList()
        self.generation = 0

    # Section: what it is

    @property
    def size(self) -> int:
        """Items, as given when it was made or last truncated."""
        return self._size

    @property
    def granularity(self) -> int:
        """log2 of the items in a granule."""
        return self._granularity

    @property
    def granules(self) -> int:
        """Granules, the last of them perhaps not full."""
        return self._granules

    @property
    def _items_per_granule(self) -> int:
        return 1 << self._granularity

    @property
    def count(self) -> int:
        """Dirty granules times the items in one; so it may exceed the size when the last granule is not full."""
        return self._dirty_granules << self._granularity

    @property
    def changes(self) -> int:
        """A number that is another one after every change; while it stays, so do all words."""
        return self._runs.changes

    def watch(self, watcher: Watcher) -> None:
        """Tell ``watcher`` before the next change, once."""
        self._runs.watch(watcher)

    def dirty_granules_from(self, first: int, count: int) -> list[int]:
        """Some dirty granules at or after ``first``, ascending and without a gap: fewer than twice ``count``."""
        return self._runs.granules_from(first, count)

    def word(self, level: int, index: int) -> int:
        """The word ``index`` of a level; level 0 is one word, the last level's bits are granules.

        A bit above the last level is set when the word it stands for is not zero.
        """
        return self._runs.word(index, WORD_BITS_LOG2 * (LAST_LEVEL - level))

    # Section: rules

    def checked_granule(self, item: int, name: str) -> int:
        """The granule that holds ``item``, which the caller calls ``name``.

        :raise BitmapError: when there is none.
        """
        check_int64(name, item)
        granule = item >> self._granularity
        if granule >= self._granules:
            raise BitmapError(f"{name} {item} is not below the size {self._size}", item)
        return granule

    def _checked_size(self, size: int) -> int:
        """The number of granules that ``size`` items need."""
        check_int64("size", size)
        granules = (size + self._items_per_granule - 1) >> self._granularity
        if granules > GRANULES_MAX:
            raise BitmapError(f"size {size} makes {granules} granules, more than {GRANULES_MAX}", size)
        return granules

    def _granule_range(self, start: int, count: int) -> tuple[int, int]:
        """The granules, first to before end, that hold items of the range; equal when there is no item."""
        check_int64("start", start)
        check_int64("count", count)
        if count == 0:
            return 0, 0
        last = (start + count - 1) >> self._granularity
        # Items behind the size that the last granule still covers are allowed, as QEMU allows them.
        if last >= self._granules:
            raise BitmapError(f"start {start} plus count {count} is past the size {self._size}", start + count)
        return start >> self._granularity, last + 1
