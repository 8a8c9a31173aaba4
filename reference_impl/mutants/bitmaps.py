"""Bugs in the hierarchical bitmap and in the disk's view of it: pure functions, each wrong by a little."""

from __future__ import annotations

from typing import Any

from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap
from reference_impl.hbitmap_iterator import HBitmapIterator
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_filter import TargetWrite
from reference_impl.mutants.planting import plant
from reference_impl.series_2018 import DirtyBitmap2018

NOTHING = -1


@plant("dirty-area-unaligned-start-or-end", rows="B1 NA-4 NA-5 BF-02", fixed="a78a1a48cd, 4.0")
class UnalignedArea(HBitmap):
    """An area begins at its granule and not where the search began, and one that the end cuts is not found."""

    def next_dirty_area(self, start: int, end: int, max_dirty_count: int | None = None) -> tuple[int, int] | None:
        found = super().next_dirty_area(start, end, max_dirty_count)
        if found is None:
            return None
        granule = 1 << self.granularity
        first, length = found
        if first // granule * granule + granule > min(end, self.size) and end < self.size:
            return None
        early = first % granule
        return first - early, length + early


@plant("area-of-2018", rows="B1 NA-4 NA-5 BF-02 BF-04", fixed="2019-01, 1eaf1b0fdf, 4.0")
class Area2018(DirtyBitmap2018):
    """An active write sends the dirty areas of its range as the series of 2018 found them: some whole, some not at all.

    An area that begins within a granule is sent from the granule's start on, with data that the guest never wrote; one
    that ends within a granule is not found and stays dirty.
    """


@plant("area-of-2018", rows="B1 NA-4 NA-5 BF-02 BF-04", fixed="2019-01, 1eaf1b0fdf, 4.0")
class WriteAreasOf2018(MirrorJob):
    """What used that search."""

    async def active_write_to_target(self, offset: int, length: int, to_target: TargetWrite) -> None:
        bitmap = self.bitmap
        assert isinstance(bitmap, DirtyBitmap2018)
        if not length:
            return
        bitmap.set(offset, length)
        iterator = bitmap.iterator(offset)
        while area := bitmap.next_area(iterator, offset + length):
            granularity = bitmap.granularity_bytes
            first, end = area[0] // granularity * granularity, -(-sum(area) // granularity) * granularity
            bitmap.reset(first, min(end, bitmap.size_bytes) - first)
            self.progress_increase_remaining(area[1])
            self.active_bytes_in_flight += area[1]
            await self.send_part(*area, to_target)


@plant("truncate-keeps-old-orig-size", rows="B2", fixed="4e4de22279, 4.1")
class TruncateKeepsSize(HBitmap):
    """After the disk has grown, searches still end at the old size: what is dirty behind it is not found."""

    def truncate(self, size: int) -> None:
        old = self.size
        super().truncate(size)
        self._searched_size = old

    _searched_size: int | None = None

    def _search_end(self, start: int, count: int | None) -> int:
        end = super()._search_end(start, count)
        return end if self._searched_size is None else min(end, self._searched_size)


@plant("merge-leaves-count-stale", rows="B3", fixed="d1dde7149e, 3.1")
class MergeLeavesCount(HBitmap):
    """A merge does not count what it adds: a bitmap that looks empty is left out of the next merge: dirt is lost."""

    def _become_union(self, a: HBitmap, b: HBitmap) -> None:
        count = self._dirty_granules
        super()._become_union(a, b)
        self._dirty_granules = count


@plant("deserialize-leaves-count-stale", rows="B4", fixed="3260cdfffb, 2.12")
class DeserializeLeavesCount(HBitmap):
    """A bitmap that was read back counts nothing: it looks empty."""

    def deserialize_finish(self) -> None:
        pass


@plant("merge-empty-into-third", rows="B5", fixed="3bde4b010e, 4.2")
class MergeEmptyIntoThird(HBitmap):
    """A merge with an empty bitmap into a third one does nothing: the third keeps what it had."""

    def _become_union(self, a: HBitmap, b: HBitmap) -> None:
        if b.count:
            super()._become_union(a, b)


@plant("merge-across-granularities", rows="B6", fixed="c5b40c1f9c, 4.2")
class MergeAcrossRefused(HBitmap):
    """Bitmaps of different granularities cannot be merged."""

    def _become_union(self, a: HBitmap, b: HBitmap) -> None:
        if a.granularity != self.granularity or b.granularity != self.granularity:
            raise BitmapError("the granularities differ", b.granularity)
        super()._become_union(a, b)


@plant("merge-of-different-sizes", rows="B7", fixed="618af89e55, 7.1")
class MergeSizesText(DirtyBitmap):
    """Bitmaps of different sizes are refused with a text that does not name the sizes."""

    def check_merge_from(self, other: DirtyBitmap) -> None:
        if other.size_bytes != self.size_bytes:
            raise BitmapError("Bitmaps are incompatible and can't be merged")
        super().check_merge_from(other)


@plant("zero-length-set-reset", rows="B8", fixed="fed33bd175, 4.2")
class ZeroLengthTouches(HBitmap):
    """To set nothing sets the item before: the last item was computed as the first plus nothing less one."""

    def set(self, start: int, count: int) -> None:
        if not count and start:
            super().set(start - 1, 1)
        else:
            super().set(start, count)


@plant("reset-rounds-outward", rows="B9 C1", fixed="48557b1383, 4.2")
class ResetRoundsOutward(HBitmap):
    """A reset of part of a granule makes all of it clean: dirt that was not meant is lost."""

    def reset(self, start: int, count: int) -> None:
        self.reset_rounding_outward(start, count)


@plant("status-last-return-inverted", rows="B10", fixed="a4d5224c2c, 8.0")
class StatusInverted(HBitmap):
    """A dirty run that ends within the range is called clean."""

    def status(self, start: int, count: int) -> tuple[bool, int]:
        dirty, length = super().status(start, count)
        return (dirty and length == count), length


class _Forgetful(HBitmapIterator):
    """Returns what its cached words hold, whatever was reset since."""

    __slots__ = ()

    def _drop_clean_bits(self, level: int, index: int) -> int:
        return self._cached_words[level]


@plant("iterator-vs-concurrent-reset", rows="B11", fixed="f63ea4e92b, 2.10")
class IteratorIgnoresReset(HBitmap):
    """An iterator returns granules that have been made clean since it read their word."""

    def iterator(self, first: int = 0) -> HBitmapIterator:
        return _Forgetful(self, first)


@plant("iter-init-at-end", rows="B13", fixed="0e32119122, 2.7")
class IteratorAtEnd(HBitmap):
    """An iterator may be made at the end, where there is nothing: it reads past the last word."""

    def iterator(self, first: int = 0) -> HBitmapIterator:
        return super().iterator(min(first, max(self.size - 1, 0)))


@plant("shift-overflow-by-granularity", rows="B14", fixed="6725f887ac, 2.8")
class ShiftOverflow(HBitmap):
    """From a granularity of 2**31 on the alignment of serialized parts is computed in 32 bits, and is wrong."""

    @property
    def serialization_alignment(self) -> int:
        alignment = super().serialization_alignment
        return alignment if alignment < 1 << 32 else 64


@plant("size-beyond-int64", rows="B15", fixed="642700fda0, 5.0")
class SizeBeyondInt64(HBitmap):
    """Sizes above 2**63-1 are taken, and offsets come out negative."""

    def _search_end(self, start: int, count: int | None) -> int:
        if count is not None and count > (1 << 63) - 1:
            return -1
        return super()._search_end(start, count)


@plant("next-zero-ignores-count", rows="B17", fixed="76d570dc49, 4.0")
class NextZeroIgnoresCount(HBitmap):
    """The search for a clean item goes on past the end of its range."""

    def next_zero(self, start: int, count: int | None = None) -> int:
        found = super().next_zero(start, count)
        return found if found != NOTHING or count is None else super().next_zero(start)


@plant("next-zero-past-the-end", rows="B17", fixed="299ea9ff01, 4.0")
class NextZeroPastEnd(HBitmap):
    """In a last granule that is not full the search for a clean item returns one that does not exist."""

    def next_zero(self, start: int, count: int | None = None) -> int:
        found = super().next_zero(start, count)
        if found == NOTHING and self.size % (1 << self.granularity) and start < self.size and count is None:
            return self.size
        return found


@plant("next-dirty-before-start", rows="B17", fixed="9399c54b75, 5.0")
class NextDirtyBeforeStart(HBitmap):
    """The search for a dirty item returns the start of its granule, which may lie before the start."""

    def next_dirty(self, start: int, count: int | None = None) -> int:
        found = super().next_dirty(start, count)
        return found if found == NOTHING else found >> self.granularity << self.granularity


@plant("area-exceeds-maximum", rows="B17", fixed="299ea9ff01, 5.0")
class AreaExceedsMaximum(HBitmap):
    """An area is returned whole, however little was asked for."""

    def next_dirty_area(self, start: int, end: int, max_dirty_count: int | None = None) -> tuple[int, int] | None:
        return super().next_dirty_area(start, end, None)


@plant("area-end-off-by-one", rows="B17", fixed="299ea9ff01, 5.0")
class AreaEndOffByOne(HBitmap):
    """An area that reaches to the end of the range is one granule too long."""

    def next_dirty_area(self, start: int, end: int, max_dirty_count: int | None = None) -> tuple[int, int] | None:
        found = super().next_dirty_area(start, end, max_dirty_count)
        if found is None or sum(found) != end:
            return found
        return found[0], found[1] + (1 << self.granularity)


@plant("dirty-count-in-wrong-unit", rows="B19", fixed="6c98c57af3, 2.10")
class CountInSectors(DirtyBitmap):
    """What is dirty is reported in sectors where bytes are meant: whoever reads it is off by 512."""

    @property
    def count_bytes(self) -> int:
        return super().count_bytes // 512


@plant("disabled-bitmap-operations", rows="B21", fixed="06bf50068a, 4.0")
class DisabledBitmapRefused(DirtyBitmap):
    """A bitmap that does not record may not be cleared or merged into by its owner either."""

    def check(self, *arguments: Any, **options: Any) -> None:
        if not self.enabled:
            raise BitmapError(f"Bitmap '{self.name}' is currently disabled and cannot be modified")
        super().check(*arguments, **options)
