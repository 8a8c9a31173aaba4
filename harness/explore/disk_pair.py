"""A source and its target, and where they differ at the moment.

Almost no step changes more than one granule of one disk, and everybody who looks on asks after every step: so it is
kept which granules differ, and only those that a completed request has touched are compared anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from harness.explore.scenario import GRANULE_BYTES
from harness.pages import PAGE_SIZE
from harness.storage import HeldStorage

Range = tuple[int, int]
"""From the first byte to behind the last."""

assert GRANULE_BYTES == PAGE_SIZE, "a granule is a page of held storage, so that equal granules are equal objects"


class DiskPair:
    """Two disks that a mirror is to make equal.

    :ivar differing: the numbers of the granules that differ, as far as both disks go.
    """

    __slots__ = ("differing", "source", "target")

    def __init__(self, source: HeldStorage, target: HeldStorage) -> None:
        self.source = source
        self.target = target
        self.differing: set[int] = set()
        self.compare_all()

    def compare_all(self) -> None:
        """Compare everything anew."""
        self.differing.clear()
        self.compare(0, min(self.source.size, self.target.size))

    def compare(self, offset: int, length: int) -> None:
        """Compare the granules that a range touches."""
        pages, others = self.source.memory.pages, self.target.memory.pages
        end = min(offset + length, self.source.size, self.target.size)
        for granule in range(offset // GRANULE_BYTES, -(-end // GRANULE_BYTES)):
            left, right = pages.get(granule), others.get(granule)
            if left is right or (left is not None and right is not None and left == right) or self._same(granule):
                self.differing.discard(granule)
            else:
                self.differing.add(granule)

    def _same(self, granule: int) -> bool:
        """The same where one of them may be a hole, or ends within the granule."""
        offset = granule * GRANULE_BYTES
        length = min(GRANULE_BYTES, self.source.size - offset, self.target.size - offset)
        return self.source.read_bytes(offset, length) == self.target.read_bytes(offset, length)

    def differing_bytes(self, excused: Sequence[Range] = ()) -> int:
        """How many bytes differ outside of the excused ranges."""
        return sum(self._differing_within(granule, excused) for granule in self.differing)

    def _differing_within(self, granule: int, excused: Sequence[Range]) -> int:
        source, target = self.source, self.target
        start = granule * GRANULE_BYTES
        end = min(start + GRANULE_BYTES, source.size, target.size)
        borders = sorted({start, end, *(min(max(border, start), end) for pair in excused for border in pair)})
        count = 0
        for first, last in pairwise(borders):
            if any(left <= first and last <= right for left, right in excused):
                continue
            length = last - first
            left_data, right_data = source.read_bytes(first, length), target.read_bytes(first, length)
            if left_data != right_data:
                both = int.from_bytes(left_data, "little") ^ int.from_bytes(right_data, "little")
                count += length - both.to_bytes(length, "little").count(0)
        return count
