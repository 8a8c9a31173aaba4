"""One request of the guest, from its submission to its reply, or to the end of its connection."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable
from errno import errorcode
from typing import NamedTuple

from harness.errors import ImplementationError
from harness.nbd.protocol import Command
from harness.storage import Operation
from harness.units import format_bytes


class ClientRequestState(enum.StrEnum):
    """How far a request is; ``lost`` is one whose connection ended before its reply."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"
    LOST = "lost"


class StatusExtent(NamedTuple):
    """A stretch of equal status in one metadata context; offset and length in bytes, flags as the context defines."""

    offset: int
    length: int
    flags: int


class ClientRequest:
    """One request of the guest.

    :ivar operation: None for block status.
    :ivar state: see ClientRequestState.
    :ivar errno: 0, the error of the reply, or ENOTCONN when the request is lost.
    :ivar data: what a write carries; what a completed read returned.
    :ivar message: what the server's error said besides its number.
    :ivar error: why the request is lost, else None.
    :ivar command: what was sent for it.
    :ivar handle: by which its reply names it.
    :ivar pieces: for the reply's reader: the stretches of read data so far, as (offset, bytes).
    :ivar received: how many bytes they hold.
    :ivar statuses: the extents of each metadata context by its id, as (length, status flags).
    """

    __slots__ = (
        "_future",
        "_on_complete",
        "command",
        "data",
        "errno",
        "error",
        "handle",
        "length",
        "message",
        "offset",
        "operation",
        "pieces",
        "received",
        "state",
        "statuses",
    )

    def __init__(
        self,
        handle: int,
        command: Command,
        operation: Operation | None,
        offset: int,
        length: int,
        data: bytes | None,
        on_complete: Callable[[ClientRequest], None] | None,
    ) -> None:
        self.operation = operation
        self.offset = offset
        self.length = length
        self.data = data
        self.state = ClientRequestState.PENDING
        self.errno = 0
        self.message = ""
        self.error: ImplementationError | None = None
        self.handle = handle
        self.command = command
        self._on_complete = on_complete
        self._future: asyncio.Future[ClientRequest] | None = None
        self.pieces: list[tuple[int, bytes]] = []
        self.received = 0
        self.statuses: dict[int, list[tuple[int, int]]] = {}

    @property
    def is_done(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.state is not ClientRequestState.PENDING

    @property
    def future(self) -> asyncio.Future[ClientRequest]:
        """Resolves to this request when it completed or failed; raises ``error`` when it is lost.

        One request has one future; who shares it shields it from their own cancellation.
        """
        if self._future is None:
            self._future = asyncio.get_running_loop().create_future()
            if self.is_done:
                self._resolve()
        return self._future

    def describe(self) -> str:
        """The request as transcripts show it: ``write 1M+64k``, ``flush``."""
        if self.operation is Operation.FLUSH:
            return "flush"
        name = self.operation or "block status"
        return f"{name} {format_bytes(self.offset)}+{format_bytes(self.length)}"

    def __repr__(self) -> str:
        failure = f" {errorcode.get(self.errno, self.errno)}" if self.errno else ""
        return f"<{self.describe()}: {self.state}{failure}>"

    def finish(self, state: ClientRequestState) -> None:
        """End it, and tell whoever waits; for the connection only."""
        self.state = state
        if self._future is not None and not self._future.done():
            self._resolve()
        on_complete, self._on_complete = self._on_complete, None
        if on_complete is not None:
            on_complete(self)

    def _resolve(self) -> None:
        assert self._future is not None
        if self.error is not None:
            self._future.set_exception(self.error)
            # Seen, even when nobody awaits it: every lost request would otherwise complain when it is collected.
            self._future.exception()
        else:
            self._future.set_result(self)
