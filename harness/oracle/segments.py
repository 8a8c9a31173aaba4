"""For each byte of a disk the candidates that it may hold, kept as runs of bytes with the same ones.

Runs are split where a change begins or ends and never joined again; finding one is a binary search, so what a change
costs is the logarithm of their number plus the runs that it touches.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator

from harness.oracle.candidates import Candidate


class History:
    """All candidates that a run ever had, newest first: a list that shares its tail with those of other runs."""

    __slots__ = ("candidate", "older")

    def __init__(self, candidate: Candidate, older: History | None) -> None:
        self.candidate = candidate
        self.older = older

    def __iter__(self) -> Iterator[Candidate]:
        link: History | None = self
        while link is not None:
            yield link.candidate
            link = link.older


class Segment:
    """What a run of bytes may hold. Never changed once made: runs share them.

    :ivar lawful: the candidates that it may hold now. :ivar history: all that it ever had.
    """

    __slots__ = ("history", "lawful")

    def __init__(self, lawful: tuple[Candidate, ...], history: History) -> None:
        self.lawful = lawful
        self.history = history

    @property
    def is_undefined(self) -> bool:
        """Whether a failed change is among the candidates: then two disks may lawfully differ here (real-qemu D5)."""
        return any(candidate.failed for candidate in self.lawful)

    @property
    def newest(self) -> Candidate:
        """The change that was submitted last, or the contents at the beginning."""
        return self.history.candidate

    def allows(self, start: int, contents: bytes, sector_bytes: int) -> int | None:
        """The first offset of the sector whose contents no candidate accounts for; None when all are accounted for.

        :param start: where the contents lie on the disk.
        """
        lawful = self.lawful
        for candidate in reversed(lawful):
            if candidate.holds(start, contents):
                return None
        if len(contents) <= sector_bytes - start % sector_bytes:
            return start
        # A race may have a winner for each sector.
        position, end = start, start + len(contents)
        while position < end:
            behind = min(position - position % sector_bytes + sector_bytes, end)
            piece = contents[position - start : behind - start]
            if not any(candidate.holds(position, piece) for candidate in lawful):
                return position
            position = behind
        return None


class SegmentMap:
    """The runs of one disk, in order; they cover it without gaps."""

    __slots__ = ("_segments", "_starts", "size")

    def __init__(self, size: int, initial: Segment) -> None:
        self.size = size
        self._starts = [0]
        self._segments = [initial]

    def copy(self) -> SegmentMap:
        """An independent copy; the segments are shared."""
        other = SegmentMap(self.size, self._segments[0])
        other._starts = self._starts.copy()
        other._segments = self._segments.copy()
        return other

    def __len__(self) -> int:
        return len(self._starts)

    def overlapping(self, offset: int, length: int) -> list[tuple[int, int, Segment]]:
        """(start, end, segment) of each run that overlaps a range, cut to the range."""
        found = []
        end = min(offset + length, self.size)
        index = bisect_right(self._starts, offset) - 1
        starts, count = self._starts, len(self._starts)
        while offset < end:
            behind = starts[index + 1] if index + 1 < count else self.size
            stop = min(behind, end)
            found.append((offset, stop, self._segments[index]))
            offset = stop
            index += 1
        return found

    def update(self, offset: int, length: int, change: Callable[[Segment], Segment]) -> None:
        """Replace the segment of every run in a range; runs are split at its ends."""
        end = min(offset + length, self.size)
        if offset >= end:
            return
        first = self._split(offset)
        last = self._split(end) if end < self.size else len(self._starts)
        for index in range(first, last):
            self._segments[index] = change(self._segments[index])

    def _split(self, offset: int) -> int:
        """Make a run begin at `offset`; return its index."""
        index = bisect_left(self._starts, offset)
        if index == len(self._starts) or self._starts[index] != offset:
            self._starts.insert(index, offset)
            self._segments.insert(index, self._segments[index - 1])
        return index
