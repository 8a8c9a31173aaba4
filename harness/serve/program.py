"""`serve` as a program: carries out its options, serves until it is told to end, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence

from harness.errors import UsageError
from harness.serve import options, sockets, stdio
from harness.serve.options import Chardev, Step
from harness.serve.server import MachineServer
from reference_impl.parts import Parts
from reference_impl.qmp_errors import QmpError

BACKLOG_COUNT = 1

PRINT_LIMIT_S = 2.0
"""How long whoever reads standard output may take at the end."""


class Program:
    """One run.

    :param pidfile: where to write the process id once everything is there; None is nowhere.
    :param parts: what the reference is made of, if not as it should be.
    """

    def __init__(self, steps: Sequence[Step], pidfile: str | None = None, parts: Parts | None = None) -> None:
        self._steps = steps
        self._parts = parts
        self._pidfile = pidfile
        self._made: list[tuple[str, tuple[int, int] | None]] = []
        self._chardevs: dict[str, Chardev] = {}
        self._ends: dict[str, socket.socket] = {}
        self._printing: threading.Thread | None = None
        self._server: MachineServer

    async def run(self) -> None:
        """Serve until `quit`, SIGTERM or SIGINT.

        :raise UsageError: when an option cannot be carried out.
        """
        self._server = server = MachineServer(self._parts)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.over.set)
        try:
            for step in self._steps:
                if server.over.is_set():
                    return
                try:
                    await self._carry_out(step)
                except QmpError as error:
                    raise UsageError(f"--{step.option} {step.text}: {error}") from error
            self._write_pidfile()
            await server.wait_for_end()
        finally:
            await server.close()
            for end in self._ends.values():
                end.close()
            if self._printing is not None:
                self._printing.join(PRINT_LIMIT_S)
            for path, ours in self._made:
                sockets.remove(path, ours)

    async def _carry_out(self, step: Step) -> None:
        match step.option:
            case "chardev":
                await self._add_chardev(Chardev.parse(step.text))
            case "monitor":
                await self._add_monitor(options.monitor(step.text))
            case _:
                await self._server.execute_first(*options.command(step.option, step.text))

    async def _add_chardev(self, chardev: Chardev) -> None:
        if chardev.id in self._chardevs:
            raise QmpError(f"Chardev with id '{chardev.id}' already exists")
        try:
            self._ends[chardev.id] = self._open(chardev)
        except OSError as error:
            done = "bind" if chardev.listens else "connect"
            what = "Failed to bind socket to" if done == "bind" else "Failed to connect to"
            where = f"'{chardev.path}'" if chardev.path is not None else f"fd {chardev.fd}"
            raise QmpError(f"{what} {where}: {error.strerror}") from error
        self._chardevs[chardev.id] = chardev
        if chardev.waits and chardev.path is not None:
            print(f"mirrorcheck serve: waiting for a connection on {chardev.path}", file=sys.stderr, flush=True)

    def _open(self, chardev: Chardev) -> socket.socket:
        if chardev.kind == "stdio":
            end, self._printing = stdio.connect()
            return end
        if chardev.fd is not None:
            end = socket.socket(fileno=chardev.fd)
            end.setblocking(False)
            return end
        assert chardev.path is not None
        if not chardev.listens:
            return sockets.connect(chardev.path)
        end = sockets.listen(chardev.path, BACKLOG_COUNT)
        self._made.append((chardev.path, sockets.identity(chardev.path)))
        return end

    async def _add_monitor(self, name: str) -> None:
        chardev = self._chardevs.get(name)
        if chardev is None:
            raise QmpError(f"chardev '{name}' not found")
        end = self._ends.pop(name, None)
        if end is None:
            raise QmpError(f"chardev '{name}' is in use")
        if not chardev.listens:
            self._server.qmp.start_connected(end)
            return
        came = self._server.qmp.start(end)
        if chardev.waits:
            await self._server.either(came)

    def _write_pidfile(self) -> None:
        if self._pidfile is None:
            return
        try:
            descriptor = os.open(self._pidfile, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{os.getpid()}\n")
        except OSError as error:
            raise UsageError(f"cannot create PID file '{self._pidfile}': {error.strerror}") from error
        self._made.append((self._pidfile, sockets.identity(self._pidfile)))


def serve(steps: Sequence[Step], pidfile: str | None = None, parts: Parts | None = None) -> None:
    """Run the program; see `Program.run`."""
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(Program(steps, pidfile, parts).run())
