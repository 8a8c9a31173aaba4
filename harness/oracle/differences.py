"""In which granules two disks differ, kept up to date by looking only at what was changed."""

from __future__ import annotations

from harness.oracle.stamps import SECTOR_BYTES
from harness.pages import PAGE_SIZE, ZERO_PAGE
from harness.storage import HeldStorage


class Differences:
    """The granules in which two disks hold different things; `compare` and `compare_all` look, the rest remembers.

    :ivar granularity_bytes: the size of a granule; `compare_all` is due after a change of it.
    """

    def __init__(self, source: HeldStorage, target: HeldStorage) -> None:
        self._source = source
        self._target = target
        self.granularity_bytes = SECTOR_BYTES
        self._granules: set[int] = set()

    @property
    def bytes_count(self) -> int:
        """The size of all such granules together; that of the disk's last one counts in full."""
        return len(self._granules) * self.granularity_bytes

    def within(self, offset: int, length: int) -> list[tuple[int, int]]:
        """The granules in a range, cut to it, as (first byte, behind the last), in which the disks may differ."""
        end = min(offset + length, self._source.size, self._target.size)
        granularity = self.granularity_bytes
        first, last = offset // granularity, (end - 1) // granularity
        if last - first < len(self._granules):
            numbers = [number for number in range(first, last + 1) if number in self._granules]
        else:
            numbers = sorted(number for number in self._granules if first <= number <= last)
        return [(max(number * granularity, offset), min((number + 1) * granularity, end)) for number in numbers]

    def compare(self, offset: int, length: int) -> None:
        """Note of the granules that a range touches whether the disks differ there."""
        granularity = self.granularity_bytes
        size = min(self._source.size, self._target.size)
        source, target = self._source.memory, self._target.memory
        for number in range(offset // granularity, -(-min(offset + length, size) // granularity)):
            start = number * granularity
            length = min(granularity, size - start)
            if source.read(start, length) == target.read(start, length):
                self._granules.discard(number)
            else:
                self._granules.add(number)

    def compare_all(self) -> None:
        """Note of every granule whether the disks differ there; looks at what is allocated only."""
        self._granules.clear()
        one, other = self._source.memory.pages, self._target.memory.pages
        step = max(self.granularity_bytes, PAGE_SIZE)
        places = {
            index * PAGE_SIZE // step
            for index in one.keys() | other.keys()
            if one.get(index, ZERO_PAGE) != other.get(index, ZERO_PAGE)
        }
        for place in places:
            self.compare(place * step, step)

    def first_byte(self, start: int, end: int) -> int | None:
        """The first byte of a range that differs now; None when all is equal."""
        one, other = self._source.memory.read(start, end - start), self._target.memory.read(start, end - start)
        if one == other:
            return None
        return start + next(index for index, value in enumerate(one) if value != other[index])
