"""The control side: takes commands one after the other, answers each once, and sends events.

A command that has to wait (for a drained section, say) keeps those behind it waiting, as on QEMU's monitor.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Scheduler
from reference_impl.schema import CommandTable
from reference_impl.visitor import check_output, decode_arguments

Handler = Callable[[dict[str, Any]], Any]
"""Takes decoded arguments, returns what the command returns, or something to await for that."""


@dataclass(slots=True, eq=False)
class Command:
    """A command and, once it is there, its reply: ``{"return": …}`` or ``{"error": {"class": …, "desc": …}}``."""

    name: str
    arguments: Mapping[str, Any]
    on_reply: Callable[[Command], None] | None = None
    reply: dict[str, Any] | None = None


class Monitor:
    """Runs commands in the order in which they came.

    :param commands: which commands there are. :param handlers: by the name of the command, one for each.
    """

    def __init__(self, scheduler: Scheduler, commands: CommandTable, handlers: Mapping[str, Handler]) -> None:
        missing = commands.keys() - handlers.keys()
        assert not missing, f"commands without a handler: {sorted(missing)}"
        self._scheduler = scheduler
        self._commands = commands
        self._handlers = handlers
        self._queue: deque[Command] = deque()
        self._running: Command | None = None

    def execute(
        self, name: str, arguments: Mapping[str, Any], on_reply: Callable[[Command], None] | None = None
    ) -> Command:
        """Take a command; if nothing makes it wait it is answered before this returns."""
        command = Command(name, arguments, on_reply)
        self._queue.append(command)
        self._run_queue()
        return command

    def _run_queue(self) -> None:
        while self._queue and self._running is None:
            command = self._running = self._queue.popleft()
            try:
                result = self._dispatch(command)
            except QmpError as error:
                self._refuse(command, error)
                continue
            if inspect.isawaitable(result):
                self._scheduler.start(self._finish(command, result), f"command {command.name}")
            else:
                self._return(command, result)

    def _dispatch(self, command: Command) -> Any:
        if command.name not in self._commands:
            raise QmpError(f"The command {command.name} has not been found", "CommandNotFound")
        members, _ = self._commands[command.name]
        return self._handlers[command.name](decode_arguments(members, command.arguments))

    async def _finish(self, command: Command, result: Awaitable[Any]) -> None:
        try:
            value = await result
        except QmpError as error:
            self._refuse(command, error)
        else:
            self._return(command, value)
        self._run_queue()

    def _return(self, command: Command, value: Any) -> None:
        check_output(self._commands[command.name][1] or {}, value, command.name)
        self._answer(command, {"return": value})

    def _refuse(self, command: Command, error: QmpError) -> None:
        self._answer(command, {"error": {"class": error.error_class, "desc": error.description}})

    def _answer(self, command: Command, reply: dict[str, Any]) -> None:
        command.reply = reply
        self._running = None
        if command.on_reply is not None:
            command.on_reply(command)
