"""The hierarchical bitmap: a set of items kept in granules of 2**granularity items, dirty or clean as a whole.

This is what QEMU's ``HBitmap`` promises, today's rules where the rules have changed. Items are addresses of any kind
(the dirty bitmap's are bytes); a granule is what one bit stands for. Ranges are given as a start and a count of items.

A call that is refused raises ``BitmapError`` and has changed nothing. A count of zero is no range at all: nothing is
done and nothing is found (B8).

Source: QEMU's include/qemu/hbitmap.h and util/hbitmap.c as of 10.0; rows HB-01 to HB-48, B1 to B17.
"""

from __future__ import annotations

from reference_impl.bitmap_limits import INT64_MAX, NOTHING, check_int64
from reference_impl.errors import BitmapError
from reference_impl.hbitmap_iterator import HBitmapIterator
from reference_impl.hbitmap_serialize import SerializableHBitmap

__all__ = ["INT64_MAX", "HBitmap", "HBitmapIterator"]


class HBitmap(SerializableHBitmap):
    """A hierarchical bitmap."""

    def __init__(self, size: int, granularity: int = 0) -> None:
        """Make a clean bitmap.

        :param size: items, 0 to 2**63-1, and no more than 2**41 granules.
        :param granularity: log2 of the items in a granule, 0 to 63.
        :raise BitmapError: when either is out of range.
        Source: HB-01, HB-02.
        """
        super().__init__(size, granularity)
        self._meta: HBitmap | None = None

    # Section: changes

    def set(self, start: int, count: int) -> None:
        """Make every granule dirty that holds an item of the range.

        :raise BitmapError: when the range is negative or ends past the last granule.
        Source: HB-09 to HB-14.
        """
        first, end = self._granule_range(start, count)
        if first < end:
            added = end - first - self._runs.paint(first, end, True)
            self._dirty_granules += added
            if self._meta is not None and added:
                self._meta.set(start, count)

    def reset(self, start: int, count: int) -> None:
        """Make the granules of the range clean; it must be made of whole granules (B9).

        :raise BitmapError: when the range is negative or ends past the last granule; when the start is not a multiple
            of a granule; when the count is not one either and the range does not end at the size.
        Source: HB-15, HB-16, HB-18.
        """
        first, end = self._granule_range(start, count)
        if first < end:
            self._check_whole_granules(start, count)
            self._make_clean(first, end, start, count)

    def reset_rounding_outward(self, start: int, count: int) -> None:
        """Make every granule clean that holds an item of the range: the rule of QEMU 1.4 to 4.1.

        Dirt outside of the range is lost with it, which is why the rule was given up (B9).

        :raise BitmapError: when the range is negative or ends past the last granule.
        Source: HB-18 in the file of 2018.
        """
        first, end = self._granule_range(start, count)
        if first < end:
            self._make_clean(first, end, start, count)

    def reset_all(self) -> None:
        """Make everything clean, which a meta bitmap does not notice. Source: HB-17."""
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

    def dirty_granules(self) -> list[int]:
        """The numbers of all dirty granules, ascending: for who wants them at once, and not while they change."""
        return self._runs.granules()

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
        check_int64("start", start)
        check_int64("end", end)
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
        check_int64("start", start)
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
        self._runs.before_change()
        if granules < self._granules:
            self._dirty_granules -= self._runs.paint(granules, self._granules, False)
        self._granules = granules
        self._size = size
        self.generation += 1

        if self._meta is not None:
            self._meta.truncate(granules << self._granularity)

    # Section: merging

    @staticmethod
    def merge(a: HBitmap, b: HBitmap, result: HBitmap) -> None:
        """Make ``result`` dirty where ``a`` or ``b`` is, and clean elsewhere.

        Any two of the three, or all, may be the same bitmap, and their granularities may differ: a granule of the
        result becomes dirty when any item of it is.

        :raise BitmapError: when the sizes differ.
        Source: B3, B5, B6.
        """
        for source in (a, b):
            if source.size != result.size:
                raise BitmapError(f"size {source.size} is not the size {result.size} of the result", source.size)
        result._become_union(a, b)

    def merge_from(self, other: HBitmap) -> None:
        """Make dirty whatever is dirty in ``other``.

        :raise BitmapError: when the sizes differ.
        """
        HBitmap.merge(self, other, self)

    def _become_union(self, a: HBitmap, b: HBitmap) -> None:
        if self is not a and self is not b:
            self.reset_all()
        for source in (a, b):
            if source is not self:
                self._add_dirty_areas(source)

    def _add_dirty_areas(self, source: HBitmap) -> None:
        """Set every dirty area of ``source``, cut to the size: its last granule may reach further than ours."""
        offset = 0
        while area := source.next_dirty_area(offset, source.size):
            self.set(*area)
            offset = sum(area)

    # Section: a bitmap about this bitmap

    def create_meta(self, chunk_items: int) -> HBitmap:
        """Make a bitmap that records from now on which chunks of this one ``set`` and ``reset`` really change.

        A call that changes anything makes its whole range dirty there, and one that changes nothing makes nothing
        dirty. Only the series' time had it: 2.7 to 4.2.

        :param chunk_items: items in a chunk, before granularity is counted: a power of two.
        :raise BitmapError: when it is not, when there is a meta bitmap, or when its granularity would be above 63.
        Source: HB-30 to HB-34.
        """
        if chunk_items < 1 or chunk_items & (chunk_items - 1):
            raise BitmapError(f"chunk {chunk_items} is not a power of two", chunk_items)
        if self._meta is not None:
            raise BitmapError("the bitmap has a meta bitmap already")
        self._meta = type(self)(self._granules << self._granularity, self._granularity + chunk_items.bit_length() - 1)
        return self._meta

    def free_meta(self) -> None:
        """Record changes no longer.

        :raise BitmapError: when there is no meta bitmap.
        """
        if self._meta is None:
            raise BitmapError("the bitmap has no meta bitmap")
        self._meta = None

    # Section: rules

    def _make_clean(self, first: int, end: int, start: int, count: int) -> None:
        """Make granules ``first`` to before ``end`` clean, because of a reset of items from ``start``."""
        removed = self._runs.paint(first, end, False)
        self._dirty_granules -= removed
        if self._meta is not None and removed:
            self._meta.set(start, count)

    def _check_whole_granules(self, start: int, count: int) -> None:
        """Refuse a reset that would make clean what lies outside of it."""
        granule = self._items_per_granule
        if start % granule:
            raise BitmapError(f"start {start} is not a multiple of the granule {granule}", start)
        if count % granule and start + count != self._size:
            raise BitmapError(
                f"count {count} is not a multiple of the granule {granule} and does not end at the size {self._size}",
                count,
            )

    def _search_end(self, start: int, count: int | None) -> int:
        """The item before which a search of the range ends."""
        check_int64("start", start)
        if count is None:
            return self._size
        check_int64("count", count)
        return min(start + count, self._size)
