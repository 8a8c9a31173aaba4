"""QMP for one client: greeting, negotiation, commands, `id` echo, errors, events.

A command is answered once, in the order in which it came; its `id` comes back with the answer. Until `qmp_capabilities`
was accepted there is no other command, and afterwards no second one. What is no JSON, or no command, gets an error.

The next command is read when the last one was answered and its answer has left, so that a client that asks and never
listens, or asks for more than it waits for, costs it time and nobody memory. That is how a monitor without out-of-band
execution reads, too.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, cast

from qemu.qmp import Message
from qemu.qmp.protocol import AsyncProtocol, ConnectError, Runstate

from harness.serve.json_stream import BadJson, JsonStream
from reference_impl.machine import VERSION

Execute = Callable[[str, dict[str, Any], Callable[[dict[str, Any]], None]], None]
"""Runs a command; calls back with its reply, now or later."""

READ_BYTES = 64 << 10
UNSENT_BYTES_MAX = 16 << 20
"""A client that does not read the events that come is cut off."""

HANG_UP_LIMIT_S = 2.0
"""How long a client may take at the end to read what is on its way to it."""

GONE = (OSError, EOFError)
"""How it shows that the other side has hung up."""

_KEYS = frozenset({"execute", "exec-oob", "arguments", "id"})

# How a connection ended is no news of a server's.
logging.getLogger("qemu.qmp").addHandler(logging.NullHandler())
logging.getLogger("qemu.qmp").propagate = False


class QmpProtocol(AsyncProtocol[Message]):
    """One connection, from the server's side.

    :param execute: runs a command.
    """

    def __init__(self, execute: Execute) -> None:
        super().__init__("server")
        self._execute = execute
        self._stream = JsonStream()
        self._received: deque[Any] = deque()
        self._negotiated = False

    async def serve(self, connection: socket.socket) -> None:
        """Talk over a connected socket until one side hangs up."""
        try:
            # What connect() does, but for its assertion that the client is still there afterwards.
            async with self._session_guard("Failed to establish session"):
                await self._do_connect(connection)
                await self._establish_session()
        except ConnectError as error:
            if not isinstance(error.exc, GONE):
                raise
            return
        while self.runstate is Runstate.RUNNING:
            await self.runstate_changed()
        try:
            await self.disconnect()
        except GONE:
            pass  # anything else that ended it is a bug of ours

    def hang_up(self) -> None:
        """End the connection once what is on its way has left, if it has not ended."""
        if self.runstate is Runstate.RUNNING:
            self._schedule_disconnect()

    def abort(self) -> None:
        """End the connection at once."""
        if self._writer is not None:
            self._writer.transport.abort()

    def send_event(self, message: Mapping[str, Any]) -> None:
        """Send an event to a client that has negotiated."""
        if self._negotiated:
            self._send_later(message)

    # What AsyncProtocol asks for

    async def _establish_session(self) -> None:
        self._do_send(Message({"QMP": {"version": VERSION, "capabilities": []}}))
        await super()._establish_session()

    async def _do_recv(self) -> Message:
        assert self._reader is not None
        while True:
            while self._received:
                value = self._received.popleft()
                if isinstance(value, BadJson):
                    await self._refuse(value.reason, {})
                elif not isinstance(value, dict):
                    await self._refuse("QMP input must be a JSON object", {})
                else:
                    return Message(value, eager=False)
            data = await self._reader.read(READ_BYTES)
            if not data:
                raise EOFError
            self._received += self._stream.feed(data)

    def _do_send(self, msg: Message) -> None:
        assert self._writer is not None
        self._writer.write(bytes(msg) + b"\r\n")
        if self._writer.transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            self._writer.transport.abort()

    async def _on_message(self, msg: Message) -> None:
        refusal = self._check(msg)
        if refusal is not None:
            await self._refuse(refusal[0], msg, refusal[1])
            return
        command = msg["execute"]
        answered = asyncio.Event()

        def on_reply(reply: dict[str, Any]) -> None:
            if command == "qmp_capabilities" and "return" in reply:
                self._negotiated = True
            self._send_later(reply | _identity(msg))
            answered.set()

        self._execute(str(command), cast(dict[str, Any], msg.get("arguments", {})), on_reply)
        await answered.wait()
        await self._sent()

    # Nobody reads a log of all messages, and to write each of them down as text costs more than to serve it.

    def _cb_inbound(self, msg: Message) -> Message:
        return msg

    def _cb_outbound(self, msg: Message) -> Message:
        return msg

    # Details

    def _send_later(self, message: Mapping[str, Any]) -> None:
        """Put a message behind those that are on their way, if there still is one to whom it could go."""
        if self._writer is not None and not self._writer.is_closing():
            self._outgoing.put_nowait(Message(message))

    async def _sent(self) -> None:
        """Wait until the client has read most of what was sent to it."""
        assert self._writer is not None
        await self._outgoing.join()
        await self._writer.drain()

    async def _refuse(self, text: str, message: Mapping[str, Any], error_class: str = "GenericError") -> None:
        self._send_later({"error": {"class": error_class, "desc": text}} | _identity(message))
        await self._sent()

    def _check(self, message: Mapping[str, Any]) -> tuple[str, str] | None:
        """Why a message is no command that may come now, and of what class that error is; None when it is one."""
        for key in message:
            if key not in _KEYS or key == "exec-oob":
                return f"QMP input member '{key}' is unexpected", "GenericError"
        if "execute" not in message:
            return "QMP input lacks member 'execute'", "GenericError"
        if not isinstance(message["execute"], str):
            return "QMP input member 'execute' must be a string", "GenericError"
        arguments = message.get("arguments", {})
        if not isinstance(arguments, dict):
            return "QMP input member 'arguments' must be an object", "GenericError"
        negotiates = message["execute"] == "qmp_capabilities"
        if not self._negotiated and not negotiates:
            return "Expecting capabilities negotiation with 'qmp_capabilities'", "CommandNotFound"
        if self._negotiated and negotiates:
            return "Capabilities negotiation is already complete, command ignored", "CommandNotFound"
        if negotiates and arguments.get("enable") == ["oob"]:
            return "Capability oob not available", "GenericError"
        return None


def _identity(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": message["id"]} if "id" in message else {}


class QmpServer:
    """The monitors of a machine, each with one client at a time.

    Who connects while another one is served waits until that one has gone, and is greeted then.

    :param execute: runs a command.
    """

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._clients: set[QmpProtocol] = set()
        self._monitors: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Future[Any]] = set()
        self._is_closing = False
        self.failed = asyncio.Event()
        self.failure: BaseException | None = None

    def start(self, listener: socket.socket) -> asyncio.Event:
        """Serve whoever connects, one after the other.

        :return: what is set when the first client has come.
        """
        came = asyncio.Event()
        self._watch(asyncio.create_task(self._accept(listener, came)))
        return came

    def start_connected(self, connection: socket.socket) -> None:
        """Serve the other end of a connection until it ends."""
        self._watch(asyncio.create_task(self._serve(connection)))

    def send_event(self, name: str, data: Mapping[str, Any]) -> None:
        """Send an event to everybody, with the time of day."""
        now_us = time.time_ns() // 1000
        stamp = {"seconds": now_us // 1_000_000, "microseconds": now_us % 1_000_000}
        for client in list(self._clients):
            client.send_event({"event": name, "data": dict(data), "timestamp": stamp})

    async def close(self) -> None:
        """Hang up on everybody, after what was to be sent."""
        self._is_closing = True
        for waiting in self._waiting:
            waiting.cancel()
        for client in self._clients:
            client.hang_up()
        if self._monitors:
            await asyncio.wait(self._monitors, timeout=HANG_UP_LIMIT_S)
        for client in self._clients:
            client.abort()
        await asyncio.gather(*self._monitors, return_exceptions=True)

    async def _accept(self, listener: socket.socket, came: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while not self._is_closing:
            waiting = asyncio.ensure_future(loop.sock_accept(listener))
            self._waiting.add(waiting)
            try:
                connection, _ = await waiting
            except asyncio.CancelledError:
                return
            except OSError:  # who wanted to come has gone already
                continue
            finally:
                self._waiting.discard(waiting)
            came.set()
            await self._serve(connection)

    async def _serve(self, connection: socket.socket) -> None:
        client = QmpProtocol(self._execute)
        self._clients.add(client)
        try:
            await client.serve(connection)
        finally:
            self._clients.discard(client)

    def _watch(self, monitor: asyncio.Task[None]) -> None:
        self._monitors.add(monitor)
        monitor.add_done_callback(self._ended)

    def _ended(self, monitor: asyncio.Task[None]) -> None:
        self._monitors.discard(monitor)
        if not monitor.cancelled() and monitor.exception() is not None:
            self.failure = monitor.exception()
            self.failed.set()
