"""What a power cut may take: a model of a disk's volatile write cache.

A completed write is durable only once a flush that was submitted after its completion has completed, or when it carried
FUA itself. Until then a power cut may lose it, alone or together with any others, because a cache writes back in any
order (NBD protocol, "Ordering of messages and writes": a flush covers the writes *answered* before it; nothing else
orders anything).

Not modelled: a request that is lost in part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from harness.pages import Snapshot, SparseMemory

if TYPE_CHECKING:
    from harness.storage import StorageRequest


@dataclass(frozen=True)
class CrashState:
    """One possible outcome of a power cut.

    :ivar dropped: the requests that were lost, in order of completion.
    :ivar contents: what the disk then holds.
    """

    dropped: tuple[StorageRequest, ...]
    contents: Snapshot


class WriteBackCache:
    """Remembers the completed changes of one disk from the oldest one on that a power cut may still take."""

    def __init__(self, memory: SparseMemory) -> None:
        self._durable = memory.copy()
        # Changes since _durable in order of completion. Durable ones stay in the log while an older one is not, for
        # the older one, should it survive, is still overwritten by them.
        self._log: list[StorageRequest] = []
        self._volatile: set[int] = set()
        # For each flush under way, by index: what had completed when it was submitted.
        self._covered: dict[int, frozenset[int]] = {}

    def reset(self, memory: SparseMemory) -> None:
        """Take these contents as durable and forget the log; the harness replaced them by hand."""
        self._durable = memory.copy()
        self._log.clear()
        self._volatile.clear()

    def request_submitted(self, request: StorageRequest) -> None:
        """Note what a flush will cover: a write that completes while it is under way may miss it."""
        if request.operation == "flush":
            self._covered[request.index] = frozenset(self._volatile)

    def request_finished(self, request: StorageRequest) -> None:
        """Make durable what a completed flush covers, and log a completed change; what failed counts for nothing."""
        covered = self._covered.pop(request.index, None)
        if request.errno or request.operation == "read":
            return
        if covered is None:
            self._log.append(request)
            if not request.fua:
                self._volatile.add(request.index)
        else:
            self._volatile -= covered
        self._settle()

    @property
    def unflushed(self) -> list[StorageRequest]:
        """The completed changes that a power cut may still take, in order of completion."""
        return [request for request in self._log if request.index in self._volatile]

    def crash_states(self, max_dropped: int) -> Iterator[CrashState]:
        """The contents after the loss of each subset of at most ``max_dropped`` changes, and after the loss of all.

        Smaller subsets come first; the first state has lost nothing.
        """
        unflushed = self.unflushed
        sizes = list(range(min(max_dropped, len(unflushed)) + 1))
        if len(unflushed) not in sizes:
            sizes.append(len(unflushed))
        for size in sizes:
            for dropped in combinations(unflushed, size):
                yield CrashState(dropped, Snapshot(self._replay({request.index for request in dropped})))

    def _replay(self, dropped: set[int]) -> SparseMemory:
        memory = self._durable.copy()
        for request in self._log:
            if request.index not in dropped:
                request.apply_to(memory)
        return memory

    def _settle(self) -> None:
        """Move the durable front of the log into the durable contents."""
        count = 0
        for request in self._log:
            if request.index in self._volatile:
                break
            request.apply_to(self._durable)
            count += 1
        del self._log[:count]
