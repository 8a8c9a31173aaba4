"""The form in which a bitmap travels: little-endian words of 64 bits, bit i of the whole being granule i.

Only the words of the last level travel; whoever receives them makes the levels above anew, and the count.
Source: rows HB-35 to HB-38, B4.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

from reference_impl.bitmap_limits import ALL_ONES, SERIALIZABLE_GRANULARITY_MAX, WORD_BITS, WORD_BYTES, lowest_bit
from reference_impl.errors import BitmapError
from reference_impl.hbitmap_base import HBitmapBase
from reference_impl.runs import RunList

#: How many granules are hashed at a time; only memory depends on it.
HASH_BLOCK_GRANULES = 1 << 20


class SerializableHBitmap(HBitmapBase):
    """A bitmap that can be taken apart into bytes and put together again, part by part."""

    @property
    def is_serializable(self) -> bool:
        """Whether parts of it can be addressed at all: a word may not hold more items than 64 bits count (B14)."""
        return self._granularity <= SERIALIZABLE_GRANULARITY_MAX

    @property
    def serialization_alignment(self) -> int:
        """Items in a word; a part begins at a multiple of it and, the last part excepted, ends at one.

        :raise BitmapError: when the bitmap is not serializable.
        Source: HB-35.
        """
        if not self.is_serializable:
            limit = SERIALIZABLE_GRANULARITY_MAX
            raise BitmapError(f"granularity {self._granularity} is above {limit}: not serializable", self._granularity)
        return WORD_BITS << self._granularity

    def serialization_size(self, start: int, count: int) -> int:
        """Bytes that the part takes.

        :raise BitmapError: when the bitmap is not serializable, or the part is not aligned or not within the bitmap.
        Source: HB-36.
        """
        first, end = self._part(start, count)
        return _words_for(end - first) * WORD_BYTES

    def serialize_part(self, start: int, count: int) -> bytes:
        """The part as little-endian words.

        :raise BitmapError: as ``serialization_size``.
        Source: HB-36, HB-37.
        """
        return _words_of(self._runs, *self._part(start, count))

    def deserialize_part(self, data: bytes, start: int, count: int, finish: bool) -> None:
        """Replace the part by what ``serialize_part`` gave; bits past the end are ignored.

        :param finish: whether this was the last part. Until one was, the count is out of date.
        :raise BitmapError: as ``serialization_size``, and when the data has another length.
        Source: HB-36.
        """
        first, end = self._part(start, count)
        length_bytes = _words_for(end - first) * WORD_BYTES
        if len(data) != length_bytes:
            raise BitmapError(f"data has {len(data)} bytes, the part has {length_bytes}", len(data))
        self._store_part(first, end, False)
        for run_first, run_end in _runs_in(data, first, end):
            self._store_part(run_first, run_end, True)
        if finish:
            self.deserialize_finish()

    def deserialize_zeroes(self, start: int, count: int, finish: bool) -> None:
        """Make the part clean; otherwise as ``deserialize_part``. Source: HB-38."""
        self._store_part(*self._part(start, count), False)
        if finish:
            self.deserialize_finish()

    def deserialize_ones(self, start: int, count: int, finish: bool) -> None:
        """Make the part dirty, and nothing past the end; otherwise as ``deserialize_part``."""
        self._store_part(*self._part(start, count), True)
        if finish:
            self.deserialize_finish()

    def deserialize_finish(self) -> None:
        """End a deserialization: from now on the count is right again. Source: B4."""
        self._dirty_granules = self._runs.count()

    def sha256(self) -> str:
        """The hash of the last level's words, in hexadecimal. Takes time in proportion to the size."""
        return _sha256(self._runs, self._granules)

    def _part(self, start: int, count: int) -> tuple[int, int]:
        """The granules, first to before end, of a part that may be serialized."""
        alignment = self.serialization_alignment
        first, end = self._granule_range(start, count)
        if first < end and start % alignment:
            raise BitmapError(f"start {start} is not a multiple of the serialization alignment {alignment}", start)
        if count % alignment and end != self._granules:
            raise BitmapError(
                f"count {count} is not a multiple of the serialization alignment {alignment} "
                "and does not reach the end",
                count,
            )
        return first, end

    def _store_part(self, first: int, end: int, dirty: bool) -> None:
        if first < end:
            self._runs.paint(first, end, dirty)


def _words_for(granules: int) -> int:
    """How many words hold that many granules."""
    return (granules + WORD_BITS - 1) // WORD_BITS


def _words_of(runs: RunList, first: int, end: int) -> bytes:
    """The words that hold granules ``first``, a multiple of 64, to before ``end``; bits from ``end`` on are zero."""
    data = bytearray(_words_for(end - first) * WORD_BYTES)
    for run_first, run_end in runs.runs_within(first, end):
        _set_bits(data, run_first - first, run_end - first)
    return bytes(data)


def _runs_in(data: bytes, first: int, end: int) -> Iterator[tuple[int, int]]:
    """The dirty runs, as (first, end), in words that begin at granule ``first``; bits from ``end`` on are ignored."""
    dirty, run_first = 0, first
    for index, (word,) in enumerate(struct.iter_unpack("<Q", data)):
        # Each set bit of `edges` is a granule whose state is not that of the one before it.
        edges = word ^ ((word << 1 | dirty) & ALL_ONES)
        while edges:
            granule = min(first + index * WORD_BITS + lowest_bit(edges), end)
            if dirty and run_first < granule:
                yield run_first, granule
            run_first = granule
            dirty ^= 1
            edges &= edges - 1
    if dirty and run_first < end:
        yield run_first, end


def _sha256(runs: RunList, granules: int) -> str:
    """The hash of all words in hexadecimal, of one zero word when there is no granule.

    Takes time in proportion to the size, as nothing else here does.
    Source: hbitmap_sha256() on a little-endian host.
    """
    digest = hashlib.sha256()
    granules_hashed = _words_for(max(granules, 1)) * WORD_BITS
    for first in range(0, granules_hashed, HASH_BLOCK_GRANULES):
        digest.update(_words_of(runs, first, min(first + HASH_BLOCK_GRANULES, granules_hashed)))
    return digest.hexdigest()


def _set_bits(data: bytearray, first: int, end: int) -> None:
    """Set the bits ``first`` to before ``end``, of which there is at least one."""
    first_byte, last_byte = first >> 3, (end - 1) >> 3
    first_mask = 0xFF << (first & 7) & 0xFF
    last_mask = 0xFF >> (-end & 7)
    if first_byte == last_byte:
        data[first_byte] |= first_mask & last_mask
        return
    data[first_byte] |= first_mask
    data[first_byte + 1 : last_byte] = b"\xff" * (last_byte - first_byte - 1)
    data[last_byte] |= last_mask
