"""The dirty bitmap: a disk's view of a hierarchical bitmap, in bytes.

Source: QEMU's block/dirty-bitmap.c as of 10.0; rows NA-1 to NA-9, B1, B7, B16, B18 to B21.
"""

from __future__ import annotations

from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap
from reference_impl.hbitmap_iterator import HBitmapIterator

SECTOR_BYTES = 512


class DirtyBitmap:
    """What a disk has to have copied, in granules of ``granularity_bytes``.

    :ivar name: as in QMP; None for a bitmap that only its owner knows, such as a mirror's.
    :ivar enabled: whether guest writes are to be recorded in it. Whoever records asks; ``set`` and ``reset`` are for
        the owner and work on a disabled bitmap as well (B21).
    :ivar busy: whether an operation has it for itself; then users may not change it.
    :ivar persistent: whether it is to be stored with the image.
    """

    def __init__(self, size_bytes: int, granularity_bytes: int, name: str | None = None) -> None:
        """Make a clean, enabled bitmap.

        :param size_bytes: size of the disk, 0 to 2**63-1, and no more than 2**41 granules.
        :param granularity_bytes: a power of two, at least 512.
        :raise BitmapError: when either is out of range.
        """
        if granularity_bytes < 1 or granularity_bytes & (granularity_bytes - 1):
            raise BitmapError(f"granularity {granularity_bytes} is not a power of two", granularity_bytes)
        if granularity_bytes < SECTOR_BYTES:
            raise BitmapError(f"granularity {granularity_bytes} is below {SECTOR_BYTES}", granularity_bytes)
        self._hbitmap = HBitmap(size_bytes, granularity_bytes.bit_length() - 1)
        self.name = name
        self.enabled = True
        self.busy = False
        self.persistent = False

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
        """Whether guest writes are recorded in it."""
        return self.enabled

    def enable(self) -> None:
        """Record guest writes from now on."""
        self.enabled = True

    def disable(self) -> None:
        """Record guest writes no longer."""
        self.enabled = False

    def set(self, offset: int, length: int) -> None:
        """Make every granule dirty that the range touches.

        :raise BitmapError: when the range is negative or ends past the last granule.
        """
        self._hbitmap.set(offset, length)

    def reset(self, offset: int, length: int) -> None:
        """Make the granules of the range clean.

        :raise BitmapError: when the range is not made of whole granules, the end of the disk excepted; and as ``set``.
        """
        self._hbitmap.reset(offset, length)

    def clear(self) -> None:
        """Make everything clean."""
        self._hbitmap.reset_all()

    def get(self, offset: int) -> bool:
        """Whether the granule of the byte at ``offset`` is dirty."""
        return self._hbitmap.get(offset)

    def iterator(self, offset: int = 0) -> HBitmapIterator:
        """An iterator over dirty granules, from the one at ``offset``."""
        return self._hbitmap.iterator(offset)

    def next_dirty(self, offset: int, length: int | None = None) -> int:
        """The first dirty byte of the range, or -1."""
        return self._hbitmap.next_dirty(offset, length)

    def next_zero(self, offset: int, length: int | None = None) -> int:
        """The first clean byte of the range, or -1."""
        return self._hbitmap.next_zero(offset, length)

    def next_dirty_area(self, offset: int, end: int, max_length: int | None = None) -> tuple[int, int] | None:
        """The first run of dirty bytes from ``offset`` to before ``end``, as (offset, length), or None."""
        return self._hbitmap.next_dirty_area(offset, end, max_length)

    def truncate(self, size_bytes: int) -> None:
        """Follow the disk to a new size."""
        self._hbitmap.truncate(size_bytes)
