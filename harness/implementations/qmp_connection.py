"""QMP to a real program: one end of a socket pair, commands in flight, events as they come.

The client is qemu.qmp's; this keeps what a session needs of it in one place: events in the order in which they were
sent, replies that may come later, the last messages for the report of a hang, and a counter that moves whenever
anything is heard.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from qemu.qmp import EventListener, ExecuteError, Message, QMPClient, QMPError, Runstate

from harness.errors import ProtocolViolation
from harness.implementations.base import PendingCommand

LAST_MESSAGES_COUNT = 20
"""How many messages a report of a hang shows."""

MESSAGE_CHARACTERS_MAX = 400
"""How much of each: enough for any reply but a query of everything."""

# What goes wrong on the connection reaches the user as an error of the session; the library need not log it too.
logging.getLogger("qemu.qmp").addHandler(logging.NullHandler())
logging.getLogger("qemu.qmp").propagate = False


class _Client(QMPClient):
    """The library's client, less its log of every message, which takes longer than the messages themselves."""

    def _cb_outbound(self, msg: Message) -> Message:
        return msg

    def _cb_inbound(self, msg: Message) -> Message:
        return msg


class QmpConnection:
    """A connection that has been negotiated.

    :param on_event: called with each event's name and data.
    :param changed: called whenever anything was heard.
    :param seen: makes of a reply what is to be seen of it.
    :ivar lost: None, or why there is no connection any more. :ivar hung_up: whether it was the program that ended it.
    :ivar activity: grows with every reply and event.
    """

    def __init__(
        self,
        on_event: Callable[[str, dict[str, Any]], None],
        changed: Callable[[], None],
        seen: Callable[[Any], Any] = lambda reply: reply,
    ) -> None:
        self.activity = 0
        self._last_messages: deque[tuple[str, Any]] = deque(maxlen=LAST_MESSAGES_COUNT)
        self.lost: str | None = None
        self.hung_up = False
        self._changed = changed
        self._seen = seen
        self._on_event = on_event
        self._client = _Client("mirrorcheck")
        self._client.register_listener(EventListener(event_filter=self._take_event))
        self._commands: set[asyncio.Task[None]] = set()
        self._watcher: asyncio.Task[None] | None = None

    async def connect(self, end: socket.socket) -> None:
        """Greet and negotiate over a connected socket, and watch the connection from then on.

        :raise QMPError: when that fails.
        """
        await self._client.connect(end)
        self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """Notice the end of the connection when it comes, and not only when the next command is sent."""
        while await self._client.runstate_changed() is Runstate.RUNNING:
            pass
        reason = ""
        try:
            await self._client.disconnect()
            self.hung_up = True
        except (EOFError, OSError):
            self.hung_up = True
        except Exception as error:  # whatever stopped the reader: bad JSON, an event that is none
            reason = _one_line(error)
        self.lost = self.lost or f"QMP connection lost: {'it hung up' if self.hung_up else reason}"
        self.activity += 1
        self._changed()

    def _take_event(self, message: Message) -> bool:
        self.activity += 1
        self._last_messages.append(("event", dict(message)))
        data = message.get("data", {})
        name = message["event"]
        if not isinstance(data, dict) or not isinstance(name, str):
            raise ProtocolViolation(f"event {dict(message)!r} is not of the form that QMP gives events")
        self._on_event(name, data)
        self._changed()
        return False  # nobody reads the listener's own queue

    @property
    def last_messages(self) -> list[str]:
        """The last messages in either direction, oldest first; long ones are cut."""
        return [
            f"{kind} {json.dumps(value, sort_keys=True, default=repr)}"[:MESSAGE_CHARACTERS_MAX]
            for kind, value in self._last_messages
        ]

    def start(self, pending: PendingCommand, loop: asyncio.AbstractEventLoop) -> None:
        """Send a command as soon as the loop turns, without waiting for its reply."""
        task = loop.create_task(self.run(pending))
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)

    async def ping(self) -> None:
        """One round trip, which is not remembered: the harness makes many to see whether the program is at rest."""
        try:
            await self._client.execute("query-jobs")
        except (QMPError, OSError, EOFError) as error:
            await self._lose("query-jobs", error)

    async def _lose(self, name: str, error: BaseException) -> None:
        if self._client.runstate is Runstate.RUNNING:
            self.lost = self.lost or f"the reply to {name} is none that QMP allows: {_one_line(error)}"
        elif self._watcher is not None:
            await asyncio.shield(self._watcher)  # it knows more than "disconnected"

    async def run(self, pending: PendingCommand) -> None:
        """Send a command and wait for its reply; if the program hangs up there is none, and `lost` says why."""
        self._last_messages.append((f"-> {pending.name}", dict(pending.arguments)))
        try:
            value = await self._client.execute(pending.name, pending.arguments or None)
            pending.reply = self._seen({"return": value})
        except ExecuteError as error:
            pending.reply = self._seen({"error": {"class": str(error.error_class), "desc": str(error)}})
        except (QMPError, OSError, EOFError) as error:
            await self._lose(pending.name, error)
        if pending.reply is not None:
            self._last_messages.append(("<-", pending.reply))
        self.activity += 1
        self._changed()

    async def close(self) -> None:
        """Hang up; never fails."""
        for task in list(self._commands):
            task.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, *self._commands, return_exceptions=True)
        try:
            await self._client.disconnect()
        except Exception:
            pass  # the program hung up first, or sent what stopped the reader: told already, if anybody asked


def _one_line(error: BaseException) -> str:
    """An error's text without line breaks; its name where it has no text."""
    return " ".join(str(error).split()) or type(error).__name__
