"""The NBD server: held storage for any number of clients, on one unix socket.

Fixed newstyle without TLS, in the NBD protocol's words. Every connection lives on the event loop that started the
server, and so do all requests: held ones must be released from its thread.

Nothing that a client sends can raise into the run or take unbounded memory. The limits are below; a connection that
exceeds one is closed, or not read from until it has caught up.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections import deque

from harness.errors import CaseError
from harness.nbd import protocol
from harness.nbd.export import Export, StatusSource
from harness.nbd.haggling import Haggling
from harness.nbd.protocol import MessageError, Option, Reply, Request
from harness.nbd.stream import MessageStream
from harness.nbd.transmission import Transmission
from harness.storage import HeldStorage

MAX_CONNECTIONS = 256
MAX_IN_FLIGHT = 1024
MAX_BYTES_IN_FLIGHT = 512 << 20
#: What sockaddr_un.sun_path holds besides its final NUL.
MAX_PATH_LENGTH = 107

_WRITE, _DISC = int(protocol.Command.WRITE), int(protocol.Command.DISC)


class NbdServer:
    """Serves exports on a unix socket; made by start().

    :ivar path: the socket.
    :ivar activity: grows with everything received and every reply sent: while it stands still, no client has made
        progress through this server.
    :ivar violations: what clients did against the protocol, the last 100 lines; an implementation under test should
        leave none.
    """

    def __init__(self, path: str) -> None:
        """For start() only."""
        self.path = path
        self.activity = 0
        self.violations: deque[str] = deque(maxlen=100)
        self._exports: dict[str, Export] = {}
        self._connections: set[ServerConnection] = set()
        self._listener: asyncio.Server | None = None
        self._all_gone = asyncio.Event()
        self._all_gone.set()

    @classmethod
    async def start(cls, path: str | os.PathLike[str], listener: socket.socket | None = None) -> NbdServer:
        """Listen on a path. A socket that is there already is replaced, for it may be left over from a killed run.

        :param listener: a socket that listens there already.
        :raise CaseError: when the path is too long for a unix socket, or cannot be listened on.
        """
        text = os.fspath(path)
        length = len(os.fsencode(text))
        if length > MAX_PATH_LENGTH:
            raise CaseError(f"socket path of {length} bytes is longer than {MAX_PATH_LENGTH}: {text}")
        server = cls(text)
        loop = asyncio.get_running_loop()
        try:
            if listener is not None:
                server._listener = await loop.create_unix_server(lambda: ServerConnection(server), sock=listener)
            else:
                server._listener = await loop.create_unix_server(lambda: ServerConnection(server), text)
        except OSError as error:
            raise CaseError(f"cannot listen on {text}: {error.strerror}") from error
        return server

    def add_export(
        self,
        name: str,
        storage: HeldStorage,
        *,
        read_only: bool = False,
        minimum_block: int = 1,
        preferred_block: int = 4096,
        hole_chunks: bool = False,
        multi_conn: bool = True,
        description: str = "",
        contexts: tuple[str, ...] = (protocol.BASE_ALLOCATION,),
        status: StatusSource | None = None,
        lenient: bool = False,
    ) -> Export:
        """Offer a storage under a name; clients see it from their next option on. Parameters as for Export.

        :raise CaseError: when the name is taken, or the protocol does not allow the terms.
        """
        if name in self._exports:
            raise CaseError(f"export {name!r} exists already")
        export = self._exports[name] = Export(
            name,
            storage,
            read_only,
            minimum_block,
            preferred_block,
            hole_chunks,
            multi_conn,
            description,
            contexts,
            status,
            lenient,
        )
        return export

    def remove_export(self, name: str) -> None:
        """Offer a name no more; who has entered the export keeps it.

        :raise CaseError: when there is no such export.
        """
        if self._exports.pop(name, None) is None:
            raise CaseError(f"export {name!r} does not exist")

    @property
    def connection_count(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    def idle(self) -> bool:
        """Whether all that waits, waits for a case to release it or for a client to send more.

        Bytes still in a socket are beyond our sight: a caller gives the loop a turn, and looks at ``activity`` again.
        """
        return not any(connection.is_busy for connection in self._connections)

    def transmissions(self) -> list[Transmission]:
        """What goes on between clients and us: one for each client that has entered an export."""
        return [connection.transmission for connection in self._connections if connection.transmission is not None]

    @property
    def export_names(self) -> frozenset[str]:
        """What is offered."""
        return frozenset(self._exports)

    def client_count(self, export: Export) -> int:
        """How many clients are in an export."""
        return sum(transmission.export is export for transmission in self.transmissions())

    def drop_clients_of(self, export: Export) -> None:
        """Cut off the clients of one export."""
        for connection in tuple(self._connections):
            if connection.transmission is not None and connection.transmission.export is export:
                connection.abort_connection()

    def drop_connections(self) -> None:
        """Cut off every client at once, as a server that crashes does; new ones may connect."""
        for connection in tuple(self._connections):
            connection.abort_connection()

    async def close(self) -> None:
        """Stop listening, cut off every client, and remove the socket. Requests stay in their storage's record."""
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        self.drop_connections()
        await self._all_gone.wait()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    # For connections

    def _joined(self, connection: ServerConnection) -> bool:
        """Whether there is room for one more."""
        if len(self._connections) >= MAX_CONNECTIONS or self._listener is None:
            return False
        self._connections.add(connection)
        self._all_gone.clear()
        return True

    def _left(self, connection: ServerConnection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_gone.set()


class ServerConnection(MessageStream):
    """One client: reads messages, hands them to haggling or transmission, and slows down whom it cannot serve."""

    def __init__(self, server: NbdServer) -> None:
        super().__init__()
        self._server = server
        self._haggling = Haggling(server._exports)
        self._transmission: Transmission | None = None
        self._request: Request | None = None
        self._option = 0
        self._is_congested = False
        self._is_disconnecting = False

    @property
    def transmission(self) -> Transmission | None:
        """The requests of this client; None while it haggles."""
        return self._transmission

    @property
    def is_busy(self) -> bool:
        """Whether replies wait for room in the socket, or a message has come in part: a write without its data."""
        return self.is_sending or self.is_receiving or (self._request is not None and not self.is_held)

    # The stream's events

    def connected(self) -> None:
        if not self._server._joined(self):
            self.abort_connection()
            return
        self.send(Haggling.hello())
        self.expect(protocol.CLIENT_FLAGS.size, self._on_client_flags)

    def progressed(self) -> None:
        self._server.activity += 1

    def ended(self, error: Exception | None) -> None:
        self._server._left(self)

    def congested(self) -> None:
        self._is_congested = True
        self.hold_delivery()

    def writable_again(self) -> None:
        self._is_congested = False
        self._slow_down_or_go_on()

    def _violated(self, what: str) -> None:
        self._server.violations.append(what)

    def _drop(self, what: str) -> None:
        """Give up on a client whose stream can no longer be understood."""
        self._violated(what)
        self.close_connection()

    # Haggling

    def _on_client_flags(self, view: memoryview) -> None:
        try:
            self._haggling.client_flags(int.from_bytes(view, "big"))
        except MessageError as error:
            self._drop(str(error))
            return
        self.expect(protocol.OPTION_HEADER.size, self._on_option_header)

    def _on_option_header(self, view: memoryview) -> None:
        magic, self._option, length = protocol.OPTION_HEADER.unpack(view)
        if magic != protocol.OPTION_MAGIC:
            self._drop(f"option magic {magic:#x} is not {protocol.OPTION_MAGIC:#x}")
        elif length > protocol.MAX_OPTION_LENGTH:
            message = f"option data of {length} bytes is more than {protocol.MAX_OPTION_LENGTH}"
            if self._option != Option.EXPORT_NAME:
                self.send(protocol.pack_option_reply(self._option, Reply.ERR_TOO_BIG, message.encode("ascii")))
            self._drop(message)
        else:
            self.expect(length, self._on_option_data)

    def _on_option_data(self, view: memoryview) -> None:
        try:
            replies = self._haggling.option(self._option, bytes(view))
        except MessageError as error:
            self._drop(str(error))
            return
        self._server.activity += 1
        self.send(b"".join(replies))
        if self._haggling.is_over:
            self.close_connection()
        elif self._haggling.export is not None:
            self._transmission = Transmission(
                self._haggling.export,
                structured=self._haggling.structured,
                contexts=self._haggling.contexts,
                send=self._send_reply,
                violated=self._violated,
            )
            self.expect(protocol.REQUEST.size, self._on_request)
        else:
            self.expect(protocol.OPTION_HEADER.size, self._on_option_header)

    # Transmission

    def _on_request(self, view: memoryview) -> None:
        magic, *fields = protocol.REQUEST.unpack(view)
        request = Request._make(fields)
        if magic != protocol.REQUEST_MAGIC:
            self._drop(f"request magic {magic:#x} is not {protocol.REQUEST_MAGIC:#x}")
        elif request.command == _WRITE:
            if request.length > protocol.MAX_PAYLOAD:
                self._drop(f"WRITE of {request.length} bytes is more than the maximum payload {protocol.MAX_PAYLOAD}")
                return
            self._request = request
            self.expect(request.length, self._on_write_data)
        elif request.command == _DISC:
            self._on_disconnect()
        else:
            self._run(request, None)

    def _on_write_data(self, view: memoryview) -> None:
        request = self._request
        assert request is not None
        self._request = None
        self.expect(protocol.REQUEST.size, self._on_request)
        self._run(request, bytes(view))

    def _run(self, request: Request, data: bytes | None) -> None:
        assert self._transmission is not None
        self._server.activity += 1
        self._transmission.request(request, data)
        self._slow_down_or_go_on()

    def _send_reply(self, reply: bytes) -> None:
        self._server.activity += 1
        self.send(reply)
        if self._is_disconnecting:
            self._close_when_answered()
        elif self.is_held:
            self._slow_down_or_go_on()

    def _slow_down_or_go_on(self) -> None:
        """Read on only while what this client has under way is within the limits."""
        transmission = self._transmission
        if self._is_congested or (
            transmission is not None
            and (transmission.in_flight >= MAX_IN_FLIGHT or transmission.bytes_in_flight >= MAX_BYTES_IN_FLIGHT)
        ):
            self.hold_delivery()
        elif self.is_held:
            self.resume_delivery()

    def _on_disconnect(self) -> None:
        """The client leaves: answer what can be answered, then close; it may also just close first."""
        self._is_disconnecting = True
        # A client sends nothing after this; reading goes on only to notice that it has closed.
        self.expect(1, self._ignore)
        self._close_when_answered()

    def _close_when_answered(self) -> None:
        assert self._transmission is not None
        if not self._transmission.in_flight:
            self.close_connection()

    def _ignore(self, view: memoryview) -> None:
        """Something after a disconnect request."""
