"""The NBD client: the guest, when the implementation under test is a real program.

Any number of requests may be in flight; submitting one never waits.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

from harness.errors import CaseError, ImplementationError, ImplementationHang
from harness.nbd import protocol
from harness.nbd.client_request import ClientRequest, StatusExtent
from harness.nbd.greeting import Terms
from harness.nbd.protocol import BASE_ALLOCATION, Command, CommandFlag, Request, TransmissionFlag
from harness.nbd.replies import ReplyStream
from harness.storage import Operation

#: Only hangs take this long; nothing that is measured depends on it.
HANG_TIMEOUT_S = 30.0

#: Block status is asked for in steps of this many bytes, for a request's length has 32 bits.
_STATUS_STEP = 1 << 30

_COMMANDS = {
    Operation.READ: Command.READ,
    Operation.WRITE: Command.WRITE,
    Operation.ZERO: Command.WRITE_ZEROES,
    Operation.DISCARD: Command.TRIM,
    Operation.FLUSH: Command.FLUSH,
}

_OFFERED_BY = {
    Operation.FLUSH: TransmissionFlag.SEND_FLUSH,
    Operation.DISCARD: TransmissionFlag.SEND_TRIM,
    Operation.ZERO: TransmissionFlag.SEND_WRITE_ZEROES,
}


class NbdClient:
    """A connection to one export; made by connect().

    :ivar export: its name.
    """

    def __init__(self, export: str, stream: ReplyStream) -> None:
        """For connect() only."""
        self.export = export
        self._stream = stream
        self._last_handle = 0
        self._is_leaving = False

    @classmethod
    async def connect(
        cls,
        path: str | os.PathLike[str],
        export: str,
        *,
        structured: bool = True,
        meta_contexts: Sequence[str] = (BASE_ALLOCATION,),
        timeout_s: float = HANG_TIMEOUT_S,
    ) -> NbdClient:
        """Connect to a unix socket and enter an export.

        :param structured: whether to ask for structured replies.
        :param meta_contexts: what block_status() is wanted for; also ``qemu:dirty-bitmap:NAME``,
            ``qemu:allocation-depth``. The server may grant fewer, see ``contexts``.
        :param timeout_s: seconds after which the server is taken to hang.
        :raise ImplementationError: when nobody listens, or the server refuses the export or closes the connection.
        :raise ImplementationHang: when it does not answer.
        :raise ProtocolViolation: when it sends what the protocol does not allow.
        """
        stream = ReplyStream()
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: stream, os.fspath(path))
        except OSError as error:
            reason = error.strerror or str(error)
            raise ImplementationError(f"no NBD server at {os.fspath(path)}: {reason}") from error
        try:
            async with asyncio.timeout(timeout_s):
                await stream.greet(export, structured=structured, contexts=meta_contexts)
        except TimeoutError:
            stream.abort_connection()
            raise ImplementationHang(f"NBD handshake for export {export!r} has no end after {timeout_s:g} s") from None
        except BaseException:
            stream.abort_connection()
            raise
        stream.begin()
        return cls(export, stream)

    # What was agreed

    @property
    def size(self) -> int:
        """The export's size in bytes when it was entered."""
        return self._stream.terms.size

    @property
    def terms(self) -> Terms:
        """All that was agreed: size, block sizes, flags."""
        return self._stream.terms

    @property
    def flags(self) -> TransmissionFlag:
        """The transmission flags."""
        return TransmissionFlag(self._stream.terms.flags)

    @property
    def contexts(self) -> tuple[str, ...]:
        """The metadata contexts that the server granted."""
        return tuple(self._stream.terms.contexts.values())

    @property
    def pending(self) -> list[ClientRequest]:
        """The requests without a reply, in order of submission."""
        return list(self._stream.pending.values())

    @property
    def activity(self) -> int:
        """Grows with every request sent and everything received."""
        return self._last_handle + self._stream.replies + self._stream.progress

    @property
    def is_busy(self) -> bool:
        """Whether a request or a reply is on its way in part: bytes wait to be sent, or the rest of one to come."""
        return not self.is_closed and self._stream.is_busy

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be submitted any more."""
        return self._is_leaving or self._stream.is_closed

    # Requests

    def submit(
        self,
        operation: Operation,
        offset: int,
        length: int,
        data: bytes | None = None,
        *,
        fua: bool = False,
        may_unmap: bool = False,
        on_complete: Callable[[ClientRequest], None] | None = None,
    ) -> ClientRequest:
        """Send a request; returns at once.

        Ranges are sent as they are, aligned and within the export or not: what becomes of wrong ones is the server's
        concern.

        :param offset: bytes; 0 for a flush.
        :param length: bytes; 0 for a flush.
        :param data: exactly ``length`` bytes for a write, None for all others.
        :param fua: whether the reply must wait until the data is durable.
        :param may_unmap: whether zeroes may become a hole.
        :param on_complete: called when the request completed, failed or was lost.
        :raise CaseError: when the numbers do not fit into a request, the data does not fit the operation, the server
            did not offer the operation, or the client has disconnected.
        :raise ImplementationError: when the server has ended the connection.
        """
        if (data is None) == (operation is Operation.WRITE) or (data is not None and len(data) != length):
            carried = "no data" if data is None else f"{len(data)} bytes of data"
            raise CaseError(f"{operation} of {length} bytes at {offset} comes with {carried}")
        flags = int(CommandFlag.FUA) if fua else 0
        if operation is Operation.ZERO and not may_unmap:
            flags |= CommandFlag.NO_HOLE
        needed = _OFFERED_BY.get(operation)
        if needed is not None and not self._stream.terms.flags & needed:
            raise CaseError(f"export {self.export!r} does not offer {operation}")
        return self._send(_COMMANDS[operation], operation, flags, offset, length, data, on_complete)

    async def read(self, offset: int, length: int) -> bytes:
        """Read; OSError with the reply's errno when that fails."""
        request = await self._run(self.submit(Operation.READ, offset, length))
        assert request.data is not None
        return request.data

    async def write(self, offset: int, data: bytes, *, fua: bool = False) -> None:
        """Write; OSError with the reply's errno when that fails."""
        await self._run(self.submit(Operation.WRITE, offset, len(data), data, fua=fua))

    async def zero(self, offset: int, length: int, *, fua: bool = False, may_unmap: bool = False) -> None:
        """Write zeroes; OSError with the reply's errno when that fails."""
        await self._run(self.submit(Operation.ZERO, offset, length, fua=fua, may_unmap=may_unmap))

    async def discard(self, offset: int, length: int, *, fua: bool = False) -> None:
        """Discard; OSError with the reply's errno when that fails."""
        await self._run(self.submit(Operation.DISCARD, offset, length, fua=fua))

    async def flush(self) -> None:
        """Flush; OSError with the reply's errno when that fails."""
        await self._run(self.submit(Operation.FLUSH, 0, 0))

    async def block_status(self, offset: int, length: int, context: str = BASE_ALLOCATION) -> list[StatusExtent]:
        """The status of a range in one metadata context: extents that cover it, adjacent equals merged.

        :raise CaseError: when the server did not grant the context.
        :raise OSError: with the reply's errno when a request fails.
        """
        ids = [number for number, name in self._stream.terms.contexts.items() if name == context]
        if not ids:
            granted = ", ".join(self.contexts) or "none"
            raise CaseError(f"metadata context {context!r} was not granted; granted: {granted}")
        found: list[StatusExtent] = []
        end = offset + length
        while offset < end:
            step = min(end - offset, _STATUS_STEP)
            request = await self._run(self._send(Command.BLOCK_STATUS, None, 0, offset, step, None, None))
            for extent_length, flags in request.statuses[ids[0]]:
                # Only the last one may reach beyond the range asked for.
                covered = min(extent_length, end - offset)
                if found and found[-1].flags == flags:
                    found[-1] = found[-1]._replace(length=found[-1].length + covered)
                else:
                    found.append(StatusExtent(offset, covered, flags))
                offset += covered
        return found

    # Leaving

    async def disconnect(self, timeout_s: float = HANG_TIMEOUT_S) -> None:
        """Say goodbye and wait until the server has closed; requests still in flight may be answered or lost.

        :raise ImplementationHang: when the server does not close; the connection is then cut.
        """
        if not self._stream.is_closed and not self._is_leaving:
            self._is_leaving = True
            self._stream.send(protocol.pack_request(Request(0, Command.DISC, 0, 0, 0)))
        try:
            async with asyncio.timeout(timeout_s):
                await self._stream.gone.wait()
        except TimeoutError:
            waits = [request.describe() for request in self.pending]
            self.abort()
            message = f"NBD server keeps the connection {timeout_s:g} s after the disconnect"
            raise ImplementationHang(message, waits) from None

    def abort(self) -> None:
        """Cut the connection at once, as a guest that is killed does; requests in flight are lost."""
        self._is_leaving = True
        self._stream.abort_connection()
        self._stream.lose_all(f"connection to export {self.export!r} was cut by the case")

    # Details

    async def _run(self, request: ClientRequest) -> ClientRequest:
        await request.future
        if request.errno:
            raise OSError(request.errno, request.message or os.strerror(request.errno), request.describe())
        return request

    def _send(
        self,
        command: Command,
        operation: Operation | None,
        flags: int,
        offset: int,
        length: int,
        data: bytes | None,
        on_complete: Callable[[ClientRequest], None] | None,
    ) -> ClientRequest:
        if not 0 <= offset < 1 << 64 or not 0 <= length <= protocol.MAX_LENGTH:
            raise CaseError(f"range of {length} bytes at {offset} does not fit into an NBD request")
        if self._is_leaving:
            raise CaseError(f"export {self.export!r} is used after its client has disconnected")
        if self._stream.is_closed:
            raise self._stream.failure or ImplementationError(f"connection to export {self.export!r} has ended")
        self._last_handle = handle = self._last_handle + 1
        request = ClientRequest(handle, command, operation, offset, length, data, on_complete)
        self._stream.pending[handle] = request
        header = protocol.REQUEST.pack(protocol.REQUEST_MAGIC, flags, command, handle, offset, length)
        self._stream.send(header if data is None else header + data)
        return request
