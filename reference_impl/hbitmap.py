"""The hierarchical bitmap: a set of items kept in granules of 2**granularity items, dirty or clean as a whole.

This is what QEMU's ``HBitmap`` promises, today's rules where the rules have changed. Items are addresses of any kind
(the dirty bitmap's are bytes); a granule is what one bit stands for. Ranges are given as a start and a count of items.

A call that is refused raises ``BitmapError`` and has changed nothing. A count of zero is no range at all: nothing is
done and nothing is found (B8).

Source: QEMU's include/qemu/hbitmap.h and util/hbitmap.c as of 10.0; rows HB-01 to HB-48, B1 to B17.
"""

from __future__ import annotations

from reference_impl.errors import BitmapError
from reference_impl.hbitmap_iterator import GRANULES_MAX, LAST_LEVEL, HBitmapIterator
from reference_impl.runs import NOTHING, WORD_BITS_LOG2, RunList

#: The largest size, start or count of items; as a count it means "to the end" (B15).
INT64_MAX = (1 << 63) - 1

GRANULARITY_MAX = 63


class HBitmap:
    """A hierarchical bitmap.

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
    def count(self) -> int:
        """Dirty granules times the items in one; so it may exceed the size when the last granule is not full."""
        return self._dirty_granules << self._granularity

    @property
    def changes(self) -> int:
        """A number that is another one after every change; while it stays, so do all words."""
        return self._runs.changes

    def word(self, level: int, index: int) -> int:
        """The word ``index`` of a level; level 0 is one word, the last level's bits are granules.

        A bit above the last level is set when the word it stands for is not zero.
        """
        return self._runs.word(index, WORD_BITS_LOG2 * (LAST_LEVEL - level))

    # Section: changes

    def set(self, start: int, count: int) -> None:
        """Make every granule dirty that holds an item of the range.

        :raise BitmapError: when the range is negative or ends past the last granule.
        Source: HB-09 to HB-14.
        """
        first, end = self._granule_range(start, count)
        if first < end:
            self._dirty_granules += end - first - self._runs.paint(first, end, True)

    def reset(self, start: int, count: int) -> None:
        """Make the granules of the range clean; it must be made of whole granules (B9).

        :raise BitmapError: when the range is negative or ends past the last granule; when the start is not a multiple
            of a granule; when the count is not one either and the range does not end at the size.
        Source: HB-15, HB-16, HB-18.
        """
        first, end = self._granule_range(start, count)
        if first < end:
            self._check_whole_granules(start, count)
            self._dirty_granules -= self._runs.paint(first, end, False)

    def reset_rounding_outward(self, start: int, count: int) -> None:
        """Make every granule clean that holds an item of the range: the rule of QEMU 1.4 to 4.1.

        Dirt outside of the range is lost with it, which is why the rule was given up (B9).

        :raise BitmapError: when the range is negative or ends past the last granule.
        Source: HB-18 in the file of 2018.
        """
        first, end = self._granule_range(start, count)
        if first < end:
            self._dirty_granules -= self._runs.paint(first, end, False)

    def reset_all(self) -> None:
        """Make everything clean. Source: HB-17."""
        self._runs.clear()
        self._dirty_granules = 0

    # Section: questions

    def get(self, item: int) -> bool:
        """Whether the granule that holds ``item`` is dirty.

        :raise BitmapError: when ``item`` is negative or past the last granule.
        Source: HB-07, HB-08.
        """
        return self._runs.contains(self.checked_granule(item, "item"))

    def iterator(self, first: int = 0) -> HBitmapIterator:
        """An iterator over dirty granules, from the one that holds item ``first``.

        :raise BitmapError: when ``first`` is not below the size; so an empty bitmap has none.
        """
        return HBitmapIterator(self, first)

    def next_dirty(self, start: int, count: int | None = None) -> int:
        """The first dirty item of the range, or -1.

        :param count: items to look at; None and whatever reaches past the size mean "to the end".
        :raise BitmapError: when start or count is negative or above 2**63-1.
        Source: HB-41, HB-42.
        """
        end = self._search_end(start, count)
        if start >= end:
            return NOTHING
        granule = self._runs.next_dirty(start >> self._granularity)
        item = granule << self._granularity
        if granule == NOTHING or item >= end:
            return NOTHING
        return max(item, start)

    def next_zero(self, start: int, count: int | None = None) -> int:
        """The first clean item of the range, or -1.

        :param count: items to look at; None and whatever reaches past the size mean "to the end".
        :raise BitmapError: when start or count is negative or above 2**63-1.
        Source: HB-39 to HB-43, B17.
        """
        end = self._search_end(start, count)
        if start >= end:
            return NOTHING
        item = self._runs.next_clean(start >> self._granularity) << self._granularity
        if item >= end:
            return NOTHING
        return max(item, start)

    def next_dirty_area(self, start: int, end: int, max_dirty_count: int | None = None) -> tuple[int, int] | None:
        """The first run of dirty items from ``start`` to before ``end``, as (start, count), or None.

        :param end: clipped to the size.
        :param max_dirty_count: items that the result may have at most, from 1; None for as many as there are.
        :raise BitmapError: when start or end is negative or above 2**63-1, or max_dirty_count is not positive.
        Source: HB-44 to HB-47; B1 and B17 for what went wrong here.
        """
        if max_dirty_count is not None and max_dirty_count < 1:
            raise BitmapError(f"max_dirty_count {max_dirty_count} is not positive", max_dirty_count)
        _check_int64("start", start)
        _check_int64("end", end)
        if start >= end:
            return None
        first = self.next_dirty(start, end - start)
        if first == NOTHING:
            return None
        end = min(end, self._size)
        if max_dirty_count is not None:
            end = min(end, first + max_dirty_count)
        clean = self.next_zero(first, end - first)
        return first, (end if clean == NOTHING else clean) - first

    def status(self, start: int, count: int) -> tuple[bool, int]:
        """Whether item ``start`` is dirty, and for how many items of the range that stays so.

        :raise BitmapError: when count is not positive, or the range is negative or ends past the size.
        Source: B10.
        """
        if count < 1:
            raise BitmapError(f"count {count} is not positive", count)
        _check_int64("start", start)
        if start + count > self._size:
            raise BitmapError(f"start {start} plus count {count} is past the size {self._size}", start + count)
        dirty = self.get(start)
        change = self.next_zero(start, count) if dirty else self.next_dirty(start, count)
        return dirty, (count if change == NOTHING else change - start)

    # Section: size

    def truncate(self, size: int) -> None:
        """Change the size; what lies past the new last granule is forgotten, what is new is clean.

        A granule that the new end cuts keeps its dirt. Every iterator becomes invalid, also when nothing changes.

        :raise BitmapError: as when a bitmap of that size is made.
        Source: HB-19 to HB-29, HB-43, HB-47, B2.
        """
        granules = self._checked_size(size)
        if granules < self._granules:
            self._dirty_granules -= self._runs.paint(granules, self._granules, False)
        self._granules = granules
        self._size = size
        self.generation += 1

    # Section: rules

    def checked_granule(self, item: int, name: str) -> int:
        """The granule that holds ``item``, which the caller calls ``name``.

        :raise BitmapError: when there is none.
        """
        _check_int64(name, item)
        granule = item >> self._granularity
        if granule >= self._granules:
            raise BitmapError(f"{name} {item} is not below the size {self._size}", item)
        return granule

    def _checked_size(self, size: int) -> int:
        """The number of granules that ``size`` items need."""
        _check_int64("size", size)
        granules = (size + (1 << self._granularity) - 1) >> self._granularity
        if granules > GRANULES_MAX:
            raise BitmapError(f"size {size} makes {granules} granules, more than {GRANULES_MAX}", size)
        return granules

    def _granule_range(self, start: int, count: int) -> tuple[int, int]:
        """The granules, first to before end, that hold items of the range; equal when there is no item."""
        _check_int64("start", start)
        _check_int64("count", count)
        if count == 0:
            return 0, 0
        last = (start + count - 1) >> self._granularity
        # Items behind the size that the last granule still covers are allowed, as QEMU allows them.
        if last >= self._granules:
            raise BitmapError(f"start {start} plus count {count} is past the size {self._size}", start + count)
        return start >> self._granularity, last + 1

    def _check_whole_granules(self, start: int, count: int) -> None:
        """Refuse a reset that would make clean what lies outside of it."""
        granule = 1 << self._granularity
        if start % granule:
            raise BitmapError(f"start {start} is not a multiple of the granule {granule}", start)
        if count % granule and start + count != self._size:
            raise BitmapError(
                f"count {count} is not a multiple of the granule {granule} and does not end at the size {self._size}",
                count,
            )

    def _search_end(self, start: int, count: int | None) -> int:
        """The item before which a search of the range ends."""
        _check_int64("start", start)
        if count is None:
            return self._size
        _check_int64("count", count)
        return min(start + count, self._size)


def _check_int64(name: str, value: int) -> None:
    if value < 0:
        raise BitmapError(f"{name} {value} is negative", value)
    if value > INT64_MAX:
        raise BitmapError(f"{name} {value} is above 2^63-1", value)
