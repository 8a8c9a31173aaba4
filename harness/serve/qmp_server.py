"""QMP for one client at a time: greeting, negotiation, commands, `id` echo, errors, events.

A command is answered once, in the order in which it came; its `id` comes back with the answer. Until `qmp_capabilities`
was accepted there is no other command, and afterwards no second one. What is no JSON, or no command, gets an error.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from harness.serve.json_stream import BadJson, JsonStream
from reference_impl.machine import VERSION

Execute = Callable[[str, dict[str, Any], Callable[[dict[str, Any]], None]], None]
"""Runs a command; calls back with its reply, now or later."""

OUTPUT_BYTES_MAX = 16 << 20
"""A client that does not read what it asked for is cut off."""

_KEYS = frozenset({"execute", "exec-oob", "arguments", "id"})


class QmpProtocol(asyncio.Protocol):
    """One connection."""

    def __init__(self, server: QmpServer) -> None:
        self._server = server
        self._stream = JsonStream()
        self._transport: asyncio.Transport | None = None
        self._negotiated = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.joined(self)
        self.send({"QMP": {"version": VERSION, "capabilities": []}})

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._server.left(self)

    def data_received(self, data: bytes) -> None:
        for value in self._stream.feed(data):
            if isinstance(value, BadJson):
                self._refuse(value.reason, None)
            else:
                self._take(value)

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message, unless the client is gone."""
        if self._transport is None:
            return
        self._transport.write(json.dumps(message, ensure_ascii=True).encode() + b"\r\n")
        if self._transport.get_write_buffer_size() > OUTPUT_BYTES_MAX:
            self._transport.abort()

    def send_event(self, message: Mapping[str, Any]) -> None:
        """Send an event to a client that has negotiated."""
        if self._negotiated:
            self.send(message)

    def close(self) -> None:
        """Hang up when everything is sent."""
        if self._transport is not None:
            self._transport.close()

    def _take(self, message: Any) -> None:
        if not isinstance(message, dict):
            self._refuse("QMP input must be a JSON object", None)
            return
        identity = message.get("id")
        for key in message:
            if key not in _KEYS:
                self._refuse(f"QMP input member '{key}' is unexpected", identity)
                return
        if "exec-oob" in message:
            self._refuse("QMP input member 'exec-oob' is unexpected", identity)
            return
        command = message.get("execute")
        if command is None:
            self._refuse("QMP input lacks member 'execute'", identity)
        elif not isinstance(command, str):
            self._refuse("QMP input member 'execute' must be a string", identity)
        elif not isinstance(message.get("arguments", {}), dict):
            self._refuse("QMP input member 'arguments' must be an object", identity)
        else:
            self._run(command, message.get("arguments", {}), message)

    def _run(self, command: str, arguments: dict[str, Any], message: dict[str, Any]) -> None:
        identity = message.get("id")
        if not self._negotiated and command != "qmp_capabilities":
            text = "Expecting capabilities negotiation with 'qmp_capabilities'"
            self._refuse(text, identity, "CommandNotFound")
            return
        if self._negotiated and command == "qmp_capabilities":
            text = "Capabilities negotiation is already complete, command ignored"
            self._refuse(text, identity, "CommandNotFound")
            return
        if command == "qmp_capabilities" and arguments.get("enable"):
            self._refuse("Capability oob not available", identity)
            return

        def on_reply(reply: dict[str, Any]) -> None:
            if command == "qmp_capabilities" and "return" in reply:
                self._negotiated = True
            self.send(reply | ({"id": identity} if "id" in message else {}))

        self._server.execute(command, arguments, on_reply)

    def _refuse(self, text: str, identity: Any, error_class: str = "GenericError") -> None:
        reply: dict[str, Any] = {"error": {"class": error_class, "desc": text}}
        if identity is not None:
            reply["id"] = identity
        self.send(reply)


class QmpServer:
    """All QMP connections of a machine.

    :param execute: runs a command.
    """

    def __init__(self, execute: Execute) -> None:
        self.execute = execute
        self._clients: set[QmpProtocol] = set()

    def joined(self, client: QmpProtocol) -> None:
        """A client has connected."""
        self._clients.add(client)

    def left(self, client: QmpProtocol) -> None:
        """A client is gone; what it asked for goes on, and answers nobody."""
        self._clients.discard(client)

    def send_event(self, name: str, data: Mapping[str, Any]) -> None:
        """Send an event to everybody, with the time of day."""
        now_us = time.time_ns() // 1000
        stamp = {"seconds": now_us // 1_000_000, "microseconds": now_us % 1_000_000}
        for client in list(self._clients):
            client.send_event({"event": name, "data": dict(data), "timestamp": stamp})

    def close(self) -> None:
        """Hang up on everybody."""
        for client in list(self._clients):
            client.close()
