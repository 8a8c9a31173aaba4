"""Disks that are wrong on purpose, and runs of a mirror on them; every sector that a guest writes is stamped."""

from __future__ import annotations

import random

from harness.implementations.base import PendingRequest, Session
from harness.oracle import Oracle, stamped
from harness.oracle.watch import WatchedSession
from harness.storage import HeldStorage, Operation, StorageRequest

GRANULE = 4096
SIZE = 16 * GRANULE


class WrongStorage(HeldStorage):
    """A disk that is honest until it is armed.

    :ivar armed: whether to do wrong from now on. :ivar wrongs: how often it did.
    """

    def __init__(self, name: str, size: int, *, write_back: bool = False) -> None:
        super().__init__(name, size, write_back=write_back)
        self.armed = False
        self.wrongs = 0

    def _finish(self, request: StorageRequest, errno: int) -> None:
        if self.armed and not errno and self.does_wrong(request):
            self.wrongs += 1
        else:
            super()._finish(request, errno)

    def does_wrong(self, request: StorageRequest) -> bool:
        """Finish a request wrongly, or return False."""
        return False

    def finish_without_effect(self, request: StorageRequest) -> None:
        """Say that a request completed, with nothing done."""
        memory, cache = self.memory, self._cache
        self.memory, self._cache = memory.copy(), None
        super()._finish(request, 0)
        self.memory, self._cache = memory, cache


class SwapsTwoWrites(WrongStorage):
    """Does every second write before the one that came and was answered before it."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(name, size)
        self.late: StorageRequest | None = None

    def does_wrong(self, request: StorageRequest) -> bool:
        if request.operation is not Operation.WRITE:
            return False
        if self.late is None:
            self.late = request
            self.finish_without_effect(request)
            return True
        late, self.late = self.late, None
        HeldStorage._finish(self, request, 0)
        late.apply_to(self.memory)
        return True


class SwapsData(WrongStorage):
    """Puts the data of two writes in each other's place."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(name, size)
        self.first: StorageRequest | None = None

    def does_wrong(self, request: StorageRequest) -> bool:
        if request.operation is not Operation.WRITE:
            return False
        if self.first is None:
            self.first = request  # done as it should be, and spoilt by the next one
            return False
        first, self.first = self.first, None
        assert first.data is not None
        assert request.data is not None
        self.memory.write(first.offset, request.data[: first.length].ljust(first.length, b"\0"))
        self.finish_without_effect(request)
        self.memory.write(request.offset, first.data[: request.length].ljust(request.length, b"\0"))
        return True


class AcknowledgesEarly(WrongStorage):
    """Answers a write and does it one request later."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(name, size)
        self.late: list[StorageRequest] = []

    def does_wrong(self, request: StorageRequest) -> bool:
        for late in self.late:
            late.apply_to(self.memory)
        self.late.clear()
        if request.operation is not Operation.WRITE:
            return False
        self.late.append(request)
        self.finish_without_effect(request)
        return True


class DropsFlushes(WrongStorage):
    """Answers a flush and flushes nothing."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(name, size, write_back=True)

    def does_wrong(self, request: StorageRequest) -> bool:
        if request.operation is not Operation.FLUSH:
            return False
        self.finish_without_effect(request)
        return True


class LosesWrites(WrongStorage):
    """Answers a write and never does it."""

    def does_wrong(self, request: StorageRequest) -> bool:
        if request.operation is not Operation.WRITE:
            return False
        self.finish_without_effect(request)
        return True


class Misdirects(WrongStorage):
    """Does a write one sector further on."""

    def does_wrong(self, request: StorageRequest) -> bool:
        if request.operation is not Operation.WRITE:
            return False
        self.finish_without_effect(request)
        assert request.data is not None
        self.memory.write(min(request.offset + 512, self.size - request.length), request.data)
        return True


class TearsWrites(WrongStorage):
    """Does the first half of a write."""

    def does_wrong(self, request: StorageRequest) -> bool:
        if request.operation is not Operation.WRITE:
            return False
        self.finish_without_effect(request)
        assert request.data is not None
        self.memory.write(request.offset, request.data[: request.length // 2])
        return True


class FlipsABit(WrongStorage):
    """Gives back a read with one bit changed."""

    def does_wrong(self, request: StorageRequest) -> bool:
        if request.operation is not Operation.READ:
            return False
        memory = self.memory
        self.memory = memory.copy()
        byte = self.memory.read(request.offset, 1)[0]
        self.memory.write(request.offset, bytes([byte ^ 4]))
        super(WrongStorage, self)._finish(request, 0)
        self.memory = memory
        return True


class Run:
    """One mirror on the reference, with a guest whose every sector is stamped."""

    def __init__(self, session: Session, source: HeldStorage, target: HeldStorage, seed: int) -> None:
        self.session = WatchedSession(session)
        self.random = random.Random(seed)
        self.writes_count = 0
        source.write_bytes(0, stamped(1 << 32, 0, SIZE))
        self.session.attach("source", source)
        self.session.attach("target", target)
        self.guest = self.session.open_guest("source")

    def start(self, copy_mode: str, **more: int) -> None:
        self.session.submit_command(
            "blockdev-mirror",
            {
                "job-id": "job0",
                "device": "source",
                "target": "target",
                "sync": "full",
                "copy-mode": copy_mode,
                "granularity": GRANULE,
            }
            | {name.replace("_", "-"): value for name, value in more.items()},
        )
        self.session.settle()

    def wait_ready(self) -> None:
        self.session.wait(lambda: any(event.name == "BLOCK_JOB_READY" for event in self.session.events), "READY")
        self.session.settle()

    def request(self, operation: Operation, offset: int, length: int) -> None:
        self.writes_count += 1
        data = stamped(self.writes_count, offset, length) if operation is Operation.WRITE else None
        request = PendingRequest(operation, offset, length, data)
        self.guest.submit(request)
        self.session.wait(lambda: request.done, "the guest's request")
        self.session.settle()

    def write_somewhere(self, count: int) -> None:
        for _ in range(count):
            offset = self.random.randrange(0, SIZE - 2 * GRANULE, 512)
            self.request(Operation.WRITE, offset, self.random.randrange(512, 2 * GRANULE, 512))

    def flush(self) -> None:
        self.request(Operation.FLUSH, 0, 0)

    def complete(self) -> None:
        self.session.submit_command("job-complete", {"id": "job0"})
        self.session.wait(lambda: self.session.events[-1].data.get("status") == "null", "the end")
        self.session.settle()

    @property
    def oracle(self) -> Oracle:
        return self.session.oracles[0]


def everything(run: Run, copy_mode: str, armed: list[WrongStorage]) -> None:
    """A life of a mirror with writes and flushes in it; `armed` disks are wrong from READY on."""
    run.start(copy_mode)
    run.wait_ready()
    for storage in armed:
        storage.armed = True
    run.write_somewhere(6)
    run.request(Operation.READ, 0, SIZE)
    run.flush()
    for storage in armed:
        storage.armed = False
    run.complete()
