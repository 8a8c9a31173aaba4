"""The reference's bitmaps as cases and the console see them: by themselves, with no disk around them.

This is part of the adapter to the reference (``harness.implementations.reference``).
"""

from __future__ import annotations

from typing import TextIO

from harness.consoles import hbitmap_console
from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap
from reference_impl.series_2018 import DirtyBitmap2018


class AreaBitmap(DirtyBitmap):
    """The dirty bitmap, whose ``next_area`` takes an iterator, with the names of the hierarchical one."""

    def __init__(self, size: int, granularity: int) -> None:
        """Make a clean bitmap.

        :param granularity: log2 of the bytes in a granule, from 9.
        :raise BitmapError: when either is out of range.
        """
        if granularity < 0:
            raise BitmapError(f"granularity {granularity} is negative", granularity)
        super().__init__(size, 1 << granularity)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.size_bytes

    @property
    def granularity(self) -> int:
        """log2 of the bytes in a granule."""
        return self.hbitmap.granularity

    @property
    def count(self) -> int:
        """Dirty granules times their bytes."""
        return self.count_bytes


class AreaBitmap2018(DirtyBitmap2018, AreaBitmap):
    """The same with the ``next_area`` of 2018."""


#: By the word with which a console names the feature.
AREA_BITMAPS: dict[str, type[AreaBitmap]] = {"area": AreaBitmap, "area-2018": AreaBitmap2018}


def serve_console(input: TextIO, output: TextIO) -> int:
    """Serve the reference's bitmaps, one line in, one line out, until the input ends.

    :return: exit status.
    """
    return hbitmap_console.serve(input, output, HBitmap, new_area_bitmaps=AREA_BITMAPS, refusal=BitmapError)
