"""Makes one fault happen: counts the requests of the first mirror's two disks and decides the one that is meant."""

from __future__ import annotations

from collections import Counter

from harness.faults.fault import Error, Fault, Position
from harness.storage import HeldStorage, Operation, StorageRequest

FAILURES_MAX = 24
"""After so many failures of a fault that stays, the disk answers no more until it is healed: a job that ignores errors
would try again for ever, and nothing would ever come to rest."""


class Plan:
    """What is to go wrong on one pair of disks.

    :param fault: None for the run that only counts.
    :ivar positions: every request since the mirror was started, in order of arrival.
    :ivar hits: the requests that went wrong, in order.
    :ivar has_others: whether a request failed that this plan left alone: the case has faults of its own.
    """

    def __init__(self, fault: Fault | None) -> None:
        self.fault = fault
        self.positions: list[Position] = []
        self.hits: list[StorageRequest] = []
        self.is_healed = False
        self.has_others = False
        self._counts: Counter[tuple[str, Operation]] = Counter()
        self._disks: dict[str, HeldStorage] = {}

    @property
    def has_fired(self) -> bool:
        """Whether anything went wrong yet."""
        return bool(self.hits)

    @property
    def holds_something(self) -> bool:
        """Whether a request that the fault swallowed is still without an answer."""
        return any(request.state == "held" for request in self.hits)

    def begin(self, source: HeldStorage, target: HeldStorage) -> None:
        """Count from now on; the first pair of disks is the only one."""
        if self._disks:
            return
        self._disks = {"source": source, "target": target}
        source.intercept = lambda request: self._decide("source", request)
        target.intercept = lambda request: self._decide("target", request)
        for disk in (source, target):
            disk.on_finish.append(self._note_others)

    def _note_others(self, request: StorageRequest) -> None:
        if request.errno and request not in self.hits:
            self.has_others = True

    def _decide(self, role: str, request: StorageRequest) -> int | None:
        if self.is_healed:
            return None
        key = (role, request.operation)
        number = self._counts[key]
        self._counts[key] += 1
        fault = self.fault
        if fault is None:
            self.positions.append(Position(role, request.operation, number))
            return None
        first = fault.position
        if key != (first.role, first.operation):
            return None
        if number != first.number and not (fault.persistent and number > first.number):
            return None
        self.hits.append(request)
        if fault.error is Error.NO_ANSWER or len(self.hits) > FAILURES_MAX:
            return 0
        return fault.error.errno

    def heal(self) -> None:
        """Let everything pass from now on, and answer what was held, by the fault or by the case itself."""
        self.is_healed = True
        for disk in self._disks.values():
            disk.clear_rules()
            for request in disk.held:
                request.release()
