"""The dirty bitmap: a disk's view of a hierarchical bitmap, in bytes.

Two kinds of caller use it. Its *owner* (a job, the block layer that records guest writes) calls ``set``, ``reset``,
``clear`` and the searches, in any state of the bitmap (B21). A *user*'s command first calls ``check``, which refuses
with the text that QEMU's monitor gives.

Source: QEMU's block/dirty-bitmap.c as of 10.0; rows NA-1 to NA-9, B1, B7, B16, B18 to B21.
"""

from __future__ import annotations

from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap
from reference_impl.hbitmap_base import HBitmapBase
from reference_impl.hbitmap_iterator import HBitmapIterator

#: The least granularity: one bit for a sector.
SECTOR_BYTES = 512

BITS_PER_BYTE = 8


class DirtyBitmapIterator(HBitmapIterator):
    """A position in a dirty bitmap.

    :ivar offset: no byte before this one is part of what comes next. ``next`` returns the start of a granule, which may
        be less; ``DirtyBitmap.next_area`` never does.
    """

    __slots__ = ("offset",)

    def __init__(self, bitmap: HBitmapBase, offset: int = 0) -> None:
        """Stand before the byte at ``offset``.

        :raise BitmapError: when ``offset`` is not below the size.
        """
        self.offset = offset
        super().__init__(bitmap, offset)

    def next(self, advance: bool = True) -> int:
        """The start of the next dirty granule, or -1; as ``HBitmapIterator.next``."""
        start = super().next(advance)
        if advance and start >= 0:
            self.offset = start + (1 << self._granularity)
        return start

    def move_to(self, first: int) -> None:
        """Stand before the byte at ``first``; as ``HBitmapIterator.move_to``."""
        super().move_to(first)
        self.offset = first

    def move_to_end(self) -> None:
        """Stand behind everything."""
        super().move_to_end()
        self.offset = self._bitmap.size


class DirtyBitmap:
    """What of a disk is still to be copied, in granules of ``granularity_bytes``.

    :ivar name: as in QMP; None for a bitmap that only its owner knows, such as a mirror's.
    :ivar enabled: whether guest writes are to be recorded in it; whoever records them asks.
    :ivar busy: whether an operation has it for itself.
    :ivar persistent: whether it is to be stored with the image.
    :ivar readonly: whether it belongs to an image that cannot be written.
    :ivar inconsistent: whether it was not stored properly, so that nothing is known about its content.
    """

    def __init__(self, size_bytes: int, granularity_bytes: int, name: str | None = None) -> None:
        """Make a clean, enabled bitmap.

        :param size_bytes: size of the disk, 0 to 2**63-1, and no more than 2**41 granules.
        :param granularity_bytes: a power of two, 512 to 2**63.
        :raise BitmapError: when either is out of range.
        """
        if granularity_bytes < 1 or granularity_bytes & (granularity_bytes - 1):
            raise BitmapError(f"granularity {granularity_bytes} is not a power of two", granularity_bytes)
        if granularity_bytes < SECTOR_BYTES:
            raise BitmapError(
                f"granularity {granularity_bytes} is less than a sector of {SECTOR_BYTES}", granularity_bytes
            )
        self._hbitmap = self.new_hbitmap(size_bytes, granularity_bytes.bit_length() - 1)
        self.name = name
        self.enabled = True
        self.busy = False
        self.persistent = False
        self.readonly = False
        self.inconsistent = False

    def new_hbitmap(self, size: int, granularity: int) -> HBitmap:
        """The hierarchical bitmap that this one is a view of; a mutant brings its own."""
        return HBitmap(size, granularity)

    # Section: what it is

    @property
    def hbitmap(self) -> HBitmap:
        """The hierarchical bitmap behind it."""
        return self._hbitmap

    @property
    def size_bytes(self) -> int:
        """Size of the disk."""
        return self._hbitmap.size

    @property
    def granularity_bytes(self) -> int:
        """Bytes in a granule."""
        return 1 << self._hbitmap.granularity

    @property
    def count_bytes(self) -> int:
        """Dirty granules times their bytes (B19); more than the size when the last granule is dirty but not full."""
        return self._hbitmap.count

    @property
    def recording(self) -> bool:
        """Whether guest writes are recorded in it, as query-block tells."""
        return self.enabled

    def enable(self) -> None:
        """Record guest writes from now on."""
        self.enabled = True

    def disable(self) -> None:
        """Record guest writes no longer."""
        self.enabled = False

    def check(self, allow_busy: bool = False, allow_readonly: bool = False, allow_inconsistent: bool = False) -> None:
        """Refuse a user's command that this bitmap's state does not allow. A disabled bitmap allows all.

        :raise BitmapError: with QEMU's text, the busy bitmap first, then the read-only, then the inconsistent one.
        """
        if self.busy and not allow_busy:
            raise BitmapError(f"Bitmap '{self.name}' is currently in use by another operation and cannot be used")
        if self.readonly and not allow_readonly:
            raise BitmapError(f"Bitmap '{self.name}' is readonly and cannot be modified")
        if self.inconsistent and not allow_inconsistent:
            raise BitmapError(f"Bitmap '{self.name}' is inconsistent and cannot be used")

    # Section: changes

    def set(self, offset: int, length: int) -> None:
        """Make every granule dirty that the range touches.

        :raise BitmapError: when the range is negative or ends past the last granule.
        """
        self._hbitmap.set(offset, length)

    def reset(self, offset: int, length: int) -> None:
        """Make the granules of the range clean; it must be made of whole granules, the end of the disk excepted (C1).

        :raise BitmapError: when it is not, and as ``set``.
        """
        self._hbitmap.reset(offset, length)

    def clear(self) -> None:
        """Make everything clean."""
        self._hbitmap.reset_all()

    def merge_from(self, other: DirtyBitmap) -> None:
        """Make dirty whatever is dirty in ``other``, rounded outward to this bitmap's granules.

        :raise BitmapError: as ``check_merge_from``.
        Source: B3, B5, B6.
        """
        self.check_merge_from(other)
        self._hbitmap.merge_from(other._hbitmap)

    def check_merge_from(self, other: DirtyBitmap) -> None:
        """Refuse a merge that ``merge_from`` would refuse, and change nothing.

        :raise BitmapError: with QEMU's text, when this bitmap is busy, read-only or inconsistent, when the other is
            busy or inconsistent, or when they are of different sizes.
        Source: B7 for the text, which is that of 7.1.
        """
        self.check()
        other.check(allow_readonly=True)
        if other.size_bytes != self.size_bytes:
            raise BitmapError(
                f"Bitmaps are of different sizes (destination size is {self.size_bytes}, source size is "
                f"{other.size_bytes}) and can't be merged",
                other.size_bytes,
            )

    def truncate(self, size_bytes: int) -> None:
        """Follow the disk to a new size; iterators become invalid.

        :raise BitmapError: when the size is out of range, as a failed query's -1 is (B20).
        """
        self._hbitmap.truncate(size_bytes)

    # Section: questions

    def get(self, offset: int) -> bool:
        """Whether the granule of the byte at ``offset`` is dirty.

        :raise BitmapError: when ``offset`` is negative or past the last granule.
        """
        return self._hbitmap.get(offset)

    def iterator(self, offset: int = 0) -> DirtyBitmapIterator:
        """An iterator over dirty granules, from the one at ``offset``.

        :raise BitmapError: when ``offset`` is not below the size; so the bitmap of an empty disk has none (B13).
        """
        return DirtyBitmapIterator(self._hbitmap, offset)

    def next_dirty(self, offset: int, length: int | None = None) -> int:
        """The first dirty byte of the range, or -1; as ``HBitmap.next_dirty``."""
        return self._hbitmap.next_dirty(offset, length)

    def next_zero(self, offset: int, length: int | None = None) -> int:
        """The first clean byte of the range, or -1; as ``HBitmap.next_zero``."""
        return self._hbitmap.next_zero(offset, length)

    def next_dirty_area(self, offset: int, end: int, max_length: int | None = None) -> tuple[int, int] | None:
        """The first run of dirty bytes from ``offset`` to before ``end``, as (offset, length), or None.

        Neither need be aligned: an area that would reach further is cut to begin at ``offset`` and end at ``end`` (B1).

        :raise BitmapError: as ``HBitmap.next_dirty_area``.
        """
        return self._hbitmap.next_dirty_area(offset, end, max_length)

    def next_area(self, iterator: DirtyBitmapIterator, max_offset: int) -> tuple[int, int] | None:
        """The next run of dirty bytes before ``max_offset``, as (offset, length), or None; the iterator moves past it.

        The series of 2018 added a function of this kind, and QEMU 4.0 removed it for what was wrong with it; this is
        what it was to do. ``reference_impl.series_2018`` has it as it was.

        :param max_offset: exclusive; need not be aligned.
        :raise BitmapError: when max_offset is negative, or the bitmap was truncated after the iterator was made.
        Source: NA-1 to NA-9, but for NA-4 and NA-5, which show the defects.
        """
        area = self.next_dirty_area(iterator.offset, max_offset)
        if area is not None:
            end = sum(area)
            if end < self.size_bytes:
                iterator.move_to(end)
            else:
                iterator.move_to_end()
        return area

    # Section: migration

    def serialization_coverage(self, chunk_bytes: int) -> int:
        """Bytes of the disk that ``chunk_bytes`` of the serialized bitmap describe (B16).

        :raise BitmapError: when chunk_bytes is not a positive multiple of a word's 8 bytes.
        """
        if chunk_bytes < 1 or chunk_bytes % BITS_PER_BYTE:
            raise BitmapError(f"chunk {chunk_bytes} is not a positive multiple of 8", chunk_bytes)
        return chunk_bytes * BITS_PER_BYTE * self.granularity_bytes
