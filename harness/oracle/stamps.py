"""Data that says which write it came from: every sector carries the write's number and its own.

The oracle works with any data. Only with stamps, though, can it tell two writes of the same value apart.
"""

from __future__ import annotations

import struct

SECTOR_BYTES = 512
_STAMP = struct.Struct(">8sQQQ")
_MAGIC = b"mirrored"


def stamped(number: int, offset: int, length: int) -> bytes:
    """The data of write `number` for a range of the disk; a byte's value depends on its place on the disk only.

    :param number: 0 to 2**64 - 1. :param offset: bytes. :param length: bytes.
    """
    first = offset // SECTOR_BYTES
    end = -(-(offset + length) // SECTOR_BYTES)
    repeat = SECTOR_BYTES // _STAMP.size
    data = b"".join(
        [_STAMP.pack(_MAGIC, number, sector, ~number & (2**64 - 1)) * repeat for sector in range(first, end)]
    )
    begin = offset - first * SECTOR_BYTES
    return data[begin : begin + length]


def stamp_of(sector: bytes) -> tuple[int, int] | None:
    """(the number of the write, the number of the sector) that a sector's first stamp tells; None without a stamp."""
    if len(sector) < _STAMP.size:
        return None
    magic, number, index, inverse = _STAMP.unpack_from(sector)
    return (number, index) if magic == _MAGIC and inverse == ~number & (2**64 - 1) else None
