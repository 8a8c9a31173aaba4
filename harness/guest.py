"""A case's view of a guest: requests that end before the next line, and requests that are left under way."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.errors import CaseError
from harness.implementations.base import GuestPort, PendingRequest
from harness.storage import Operation
from harness.units import format_bytes

if TYPE_CHECKING:
    from harness.bench import Bench

RUNS_SHOWN_MAX = 8
"""Data with more runs of equal bytes than this is not spelt out."""


class GuestRequest:
    """A guest's request that a case follows.

    :ivar number: 1 for the first that was left under way.
    """

    def __init__(self, bench: Bench, pending: PendingRequest, number: int) -> None:
        self._bench = bench
        self.pending = pending
        self.number = number

    @property
    def done(self) -> bool:
        """Whether it was answered."""
        return self.pending.done

    def show(self) -> None:
        """Print whether it was answered, and how."""
        self._bench.say(f"guest #{self.number}: {outcome(self.pending)}")

    def wait(self) -> int:
        """Wait for the answer, print it, and return the errno, 0 for success."""
        pending = self.pending
        self._bench.session.wait(lambda: pending.done, f"guest #{self.number}, {describe(pending)}")
        self.show()
        self._bench.settle()
        assert pending.errno is not None
        return pending.errno


class Guest:
    """A guest with access to one node."""

    def __init__(self, bench: Bench, port: GuestPort) -> None:
        self._bench = bench
        self._port = port
        self._started_count = 0

    # Requests that end before the next line; each returns the errno, 0 for success

    def write(self, offset: int, length: int, value: int, *, fua: bool = False) -> int:
        """Write `length` bytes of `value` at `offset`."""
        return self._run(self._write(offset, length, value, fua), f" of 0x{value:02x}")

    def write_data(self, offset: int, data: bytes, *, fua: bool = False, silent: bool = False) -> int:
        """Write bytes at `offset`; a silent one is neither printed nor followed by settling."""
        pending = PendingRequest(Operation.WRITE, offset, len(data), data, fua=fua)
        return self._run_silently(pending) if silent else self._run(pending, "")

    def zero(self, offset: int, length: int, *, unmap: bool = False) -> int:
        """Write zeroes; with `unmap` they may become a hole."""
        return self._run(
            PendingRequest(Operation.ZERO, offset, length, may_unmap=unmap), " with unmap" if unmap else ""
        )

    def discard(self, offset: int, length: int) -> int:
        """Discard a range."""
        return self._run(PendingRequest(Operation.DISCARD, offset, length), "")

    def flush(self) -> int:
        """Flush."""
        return self._run(PendingRequest(Operation.FLUSH, 0, 0), "")

    def read(self, offset: int, length: int) -> bytes:
        """Read and print what was read; empty when it failed."""
        pending = PendingRequest(Operation.READ, offset, length)
        self._port.submit(pending)
        self._bench.session.wait(lambda: pending.done, f"guest {describe(pending)}")
        answer = describe_data(pending.data or b"") if not pending.errno else outcome(pending)
        self._bench.step(f"guest {describe(pending)}: {answer}")
        return pending.data or b""

    # Requests that are left under way

    def start_write(self, offset: int, length: int, value: int, *, fua: bool = False) -> GuestRequest:
        """Start a write and settle."""
        return self._start(self._write(offset, length, value, fua), f" of 0x{value:02x}")

    def start_zero(self, offset: int, length: int, *, unmap: bool = False) -> GuestRequest:
        """Start a write of zeroes and settle."""
        pending = PendingRequest(Operation.ZERO, offset, length, may_unmap=unmap)
        return self._start(pending, " with unmap" if unmap else "")

    def start_read(self, offset: int, length: int) -> GuestRequest:
        """Start a read and settle."""
        return self._start(PendingRequest(Operation.READ, offset, length), "")

    def start_discard(self, offset: int, length: int) -> GuestRequest:
        """Start a discard and settle."""
        return self._start(PendingRequest(Operation.DISCARD, offset, length), "")

    def start_flush(self) -> GuestRequest:
        """Start a flush and settle."""
        return self._start(PendingRequest(Operation.FLUSH, 0, 0), "")

    @staticmethod
    def _write(offset: int, length: int, value: int, fua: bool) -> PendingRequest:
        if not 0 <= value <= 255:
            raise CaseError(f"value {value} is not a byte")
        return PendingRequest(Operation.WRITE, offset, length, bytes([value]) * length, fua=fua)

    def _run(self, pending: PendingRequest, details: str) -> int:
        self._port.submit(pending)
        self._bench.session.wait(lambda: pending.done, f"guest {describe(pending)}")
        self._bench.step(f"guest {describe(pending)}{details}: {outcome(pending)}")
        assert pending.errno is not None
        return pending.errno

    def _run_silently(self, pending: PendingRequest) -> int:
        self._port.submit(pending)
        self._bench.session.wait(lambda: pending.done, f"guest {describe(pending)}")
        assert pending.errno is not None
        return pending.errno

    def _start(self, pending: PendingRequest, details: str) -> GuestRequest:
        self._started_count += 1
        request = GuestRequest(self._bench, pending, self._started_count)
        self._port.submit(pending)
        self._bench.session.settle()
        self._bench.say(f"guest #{request.number} {describe(pending)}{details}: {outcome(pending)}")
        self._bench.print_events()
        return request


def describe(pending: PendingRequest) -> str:
    """A request as transcripts show it: ``write 1M+64k``."""
    name = f"{pending.operation} fua" if pending.fua else str(pending.operation)
    if pending.operation is Operation.FLUSH:
        return name
    return f"{name} {format_bytes(pending.offset)}+{format_bytes(pending.length)}"


def outcome(pending: PendingRequest) -> str:
    """``under way``, ``ok``, or the error in the system's words."""
    if pending.errno is None:
        return "under way"
    return os.strerror(pending.errno) if pending.errno else "ok"


def describe_data(data: bytes) -> str:
    """Bytes as runs of equal ones: ``512 of 0x02, 65024 of 0x11``."""
    runs: list[tuple[int, int]] = []
    position = 0
    while position < len(data):
        value = data[position]
        rest = data[position:].lstrip(bytes([value]))
        length = len(data) - position - len(rest)
        runs.append((length, value))
        if len(runs) > RUNS_SHOWN_MAX:
            return f"{format_bytes(len(data))} in more than {RUNS_SHOWN_MAX} runs"
        position += length
    return ", ".join(f"{format_bytes(length)} of 0x{value:02x}" for length, value in runs) or "nothing"


def show_all(requests: Sequence[GuestRequest]) -> None:
    """Print of each request whether it was answered."""
    for request in requests:
        request.show()
