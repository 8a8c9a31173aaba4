"""What the copy modes promise that QEMU has not got (docs/modes.md), as far as it can be seen from outside.

* `LateWrites`: in ``write-async`` a guest is answered before the target has its data. What the target may lawfully lack
  is bounded by the job's buffer, and after a guest's flush it is nothing that was acknowledged before the flush came.
* `TakenRead`: in ``read-write-blocking`` a dirty granule that a guest reads whole is on the target when it is answered.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from harness.oracle.candidates import Candidate
from harness.oracle.segments import Segment, SegmentMap


class LateWrites:
    """What the target must have while its writes may end later than the source's.

    :param buffer_bytes: how much may be missing. :param lawful: what the target may hold when this begins.
    :param now: the oracle's clock.
    :ivar lawful: what it may hold now: a change is superseded only by one that a flush has covered.
    :ivar since: from when on. :ivar firm: the changes that a flush has made durable on the target.
    """

    def __init__(self, buffer_bytes: int, lawful: SegmentMap, now: int) -> None:
        self.lawful = lawful.copy()
        self.since = now
        self.firm: list[Candidate] = []
        self._buffer_bytes = buffer_bytes
        self._largest_bytes = 0
        self._not_flushed: list[Candidate] = []

    @property
    def missing_bytes_max(self) -> int:
        """How much that was acknowledged may be missing; a change that is larger than the buffer goes alone."""
        return max(self._buffer_bytes, self._largest_bytes)

    def submitted(self, candidate: Candidate) -> None:
        """A guest's change was sent."""
        self._largest_bytes = max(self._largest_bytes, candidate.length)

    def answered(self, candidate: Candidate) -> None:
        """A guest's change was answered."""
        if not candidate.may_do_nothing:
            self._not_flushed.append(candidate)

    def flushed(self, covered: list[Candidate]) -> None:
        """The target must have these from now on."""
        numbers = {candidate.number for candidate in covered}
        self._not_flushed = [candidate for candidate in self._not_flushed if candidate.number not in numbers]
        for candidate in covered:
            self.lawful.update(candidate.offset, candidate.length, partial(without_superseded, acknowledged=candidate))

    def acknowledged_before(self, moment: int) -> list[Candidate]:
        """What a flush that came then covers."""
        return [candidate for candidate in self._not_flushed if (candidate.answered_at or 0) < moment]


class TakenRead(NamedTuple):
    """A guest's read that is to take dirty granules along.

    :ivar granules: where they begin. :ivar number: of the newest change when the read came.
    :ivar failures_count: how many requests of the target had failed by then.
    """

    granules: tuple[int, ...]
    number: int
    failures_count: int


def without_superseded(segment: Segment, acknowledged: Candidate) -> Segment:
    """The segment once a change is acknowledged: what was over before that one began is lawful no more."""
    lawful = tuple(candidate for candidate in segment.lawful if not candidate.superseded_by(acknowledged))
    return segment if len(lawful) == len(segment.lawful) else Segment(lawful, segment.history)
