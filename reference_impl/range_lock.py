"""Ranges of a disk that one operation has for itself while it lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import takewhile

from reference_impl.ranges import Range, overlap
from reference_impl.scheduler import Scheduler, WaitQueue


class RangeLock:
    """Lets operations on overlapping ranges run one after the other, in the order in which they came.

    :param owner: who it belongs to, for messages about hangs.
    """

    def __init__(self, scheduler: Scheduler, owner: str) -> None:
        self._owner = owner
        self._waiting = WaitQueue(scheduler)
        self._taken: list[Range] = []

    @asynccontextmanager
    async def hold(self, start: int, end: int) -> AsyncIterator[None]:
        """Have the bytes from `start` to `end` for oneself; nothing is locked by an empty range."""
        entry = (start, end)
        # The place in the row is taken before waiting, so that a later one cannot overtake.
        self._taken.append(entry)
        while self._overlaps_earlier(entry):
            await self._waiting.wait(f"bytes {start} to {end} of {self._owner}")
        try:
            yield
        finally:
            self._remove(entry)
            self._waiting.wake_all()

    def _overlaps_earlier(self, entry: Range) -> bool:
        earlier = takewhile(lambda other: other is not entry, self._taken)
        return any(overlap(other, entry) for other in earlier)

    def _remove(self, entry: Range) -> None:
        self._taken = [other for other in self._taken if other is not entry]
