"""What a violation shows: what a disk holds at a byte, whose it is, and which byte of a sector it is about."""

from __future__ import annotations

from collections.abc import Callable

from harness.oracle.candidates import Candidate
from harness.oracle.segments import Segment
from harness.oracle.stamps import SECTOR_BYTES
from harness.storage import HeldStorage


def value_at(disk: HeldStorage, segment: Segment, offset: int) -> str:
    """What a disk holds at a byte, and which change of all that were ever made there has that sector."""
    if offset >= disk.size:
        return "nothing"
    start = offset - offset % SECTOR_BYTES
    contents = disk.memory.read(offset, 1)
    sector = disk.memory.read(start, min(SECTOR_BYTES, disk.size - start))
    finders: tuple[Callable[[Candidate], bool], ...] = (
        lambda candidate: _covers(candidate, start, len(sector)) and candidate.holds(start, sector),
        lambda candidate: _covers(candidate, offset, 1) and candidate.holds(offset, contents),
    )
    for find in finders:
        for candidate in segment.history:
            if find(candidate):
                return f"0x{contents[0]:02x} of {candidate.describe()}"
    return f"0x{contents[0]:02x}"


def _covers(candidate: Candidate, start: int, length: int) -> bool:
    return candidate.offset <= start and candidate.offset + candidate.length >= start + length


def first_unlawful_byte(disk: HeldStorage, segment: Segment, offset: int) -> int:
    """The first byte from `offset` on, in its sector, that no candidate has there: where the fault shows."""
    end = min(offset - offset % SECTOR_BYTES + SECTOR_BYTES, disk.size)
    for position in range(offset, end):
        value = disk.memory.read(position, 1)
        if not any(
            _covers(candidate, position, 1) and candidate.holds(position, value) for candidate in segment.lawful
        ):
            return position
    return offset
