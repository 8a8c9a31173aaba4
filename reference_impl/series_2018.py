"""What the series of 2018 did with dirty bitmaps, and today's QEMU no longer does.

``DirtyBitmap2018.next_area`` is the series' function for walking over dirty areas, which the active write used. It had
two defects, each of which is one method here, so that a bitmap with only one of them can be made (and is, below):

1. it returns whole granules, so that an area may begin before the byte the iterator was set to (NA-5);
2. it takes a granule for the first of an area only when all of it lies before the maximum, so that a dirty granule that
   the maximum cuts is not found (NA-4), unless another one in front of it has opened the area already (NA-9).

And it has a trait that did no harm: the iterator passes the granule behind the maximum when it is dirty and touches the
area (NA-6).

Source: the series' patch "block/dirty-bitmap: Add bdrv_dirty_iter_next_area" (72d10a9421), removed by 1eaf1b0fdf; B1.
"""

from __future__ import annotations

from reference_impl.dirty_bitmap import DirtyBitmap, DirtyBitmapIterator

#: The length came back in a C int, so an area ends before it would grow longer.
INT_MAX = (1 << 31) - 1


class DirtyBitmap2018(DirtyBitmap):
    """A dirty bitmap with the series' ``next_area``."""

    def next_area(self, iterator: DirtyBitmapIterator, max_offset: int) -> tuple[int, int] | None:
        """The next run of dirty granules, as (offset, length), or None; see the module for what is wrong with it.

        Source: NA-1 to NA-9.
        """
        granularity = self.granularity_bytes
        set_offset = iterator.offset
        granule = first = iterator.next(advance=False)
        if first < 0 or not self._is_before(first, max_offset):
            return None
        end = first
        while True:
            iterator.next()
            end += granularity
            # The granule just passed is looked at, not the one that would be next: hence the trait of NA-6.
            if not self._is_before(granule, max_offset) or end - first > INT_MAX - granularity:
                break
            granule = iterator.next(advance=False)
            if granule != end:
                break
        start = self._area_start(first, set_offset)
        return start, min(end, max_offset) - start

    def _area_start(self, granule: int, set_offset: int) -> int:
        """Where the area begins whose first granule starts at ``granule``. Defect 1: wherever the iterator was set."""
        return granule

    def _is_before(self, granule: int, max_offset: int) -> bool:
        """Whether ``granule`` counts as before the maximum. Defect 2: only when all of it is.

        The last granule of a disk counts as full when the maximum is the end of the disk (NA-2).
        """
        if max_offset == self.size_bytes:
            max_offset += -max_offset % self.granularity_bytes
        return granule + self.granularity_bytes <= max_offset


class AreaStartsEarly(DirtyBitmap2018):
    """Only defect 1: an area may begin before the byte asked for."""

    def _is_before(self, granule: int, max_offset: int) -> bool:
        return granule < max_offset


class AreaHidesCutGranule(DirtyBitmap2018):
    """Only defect 2: a granule that the maximum cuts is not found."""

    def _area_start(self, granule: int, set_offset: int) -> int:
        return max(granule, set_offset)
