"""A machine on an event loop: QMP and NBD from outside, the reference's scheduler inside, timers in real time.

The scheduler runs whenever something came from outside or a timer is due, to its rest; between two such moments nothing
happens. Its clock is moved to the time that has really passed before it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import CaseError, UsageError
from harness.implementations.reference_files import Files
from harness.nbd.server import NbdServer
from harness.serve.exported import ExportedBackend
from harness.serve.nbd_node import NbdDriver
from harness.serve.options import StartOptions
from harness.serve.qmp_server import QmpProtocol, QmpServer
from reference_impl.machine import Machine
from reference_impl.monitor import Command
from reference_impl.node_commands import find_node
from reference_impl.qmp_errors import QmpError


class MachineServer:
    """One reference, with its sockets."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._started_s = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._settling = False
        self._again = False
        self._nbd: NbdServer | None = None
        self._exports: dict[str, ExportedBackend] = {}
        self._objects: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.over = asyncio.Event()
        self.failure: BaseException | None = None
        self._driver = NbdDriver(self.settle)
        self._files = Files(Path.cwd(), self._post)
        self.qmp = QmpServer(self.execute)
        self.machine = Machine(
            on_event=self.qmp.send_event,
            files=self._files,
            drivers={"nbd": self._driver.make},
            server_handlers={
                "nbd-server-start": self._nbd_server_start,
                "nbd-server-stop": self._nbd_server_stop,
                "block-export-add": self._export_add,
                "block-export-del": self._export_del,
                "query-block-exports": self._query_exports,
                "object-add": self._object_add,
                "object-del": self._object_del,
                "quit": self._quit,
            },
        )
        self._driver.graph = self.machine.graph

    # The scheduler on the loop

    def _post(self, callback: Callable[[], None]) -> None:
        self.machine.scheduler.post(callback)

    def settle(self) -> None:
        """Run the machine to its rest soon, and look after its timers."""
        if not self._settling:
            self._settling = True
            self._loop.call_soon(self._settle)

    def _settle(self) -> None:
        self._settling = False
        if self.failure is not None:
            return
        scheduler = self.machine.scheduler
        try:
            scheduler.now_ns = max(scheduler.now_ns, int((self._loop.time() - self._started_s) * 1e9))
            scheduler.settle()
        except Exception as error:  # a bug of the model: nothing can go on after it
            self.failure = error
            self.over.set()
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        timer = scheduler.next_timer()
        if timer is not None:
            delay_s = max(timer.deadline_ns - scheduler.now_ns, 0) / 1e9
            self._timer = self._loop.call_later(delay_s, self.settle)

    def execute(
        self, name: str, arguments: dict[str, Any], on_reply: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        """Run a command; see `QmpServer`."""

        def answered(command: Command) -> None:
            if on_reply is not None and command.reply is not None:
                on_reply(command.reply)

        # What has arrived before a command is done before it, so that the answer to a query is not out of date.
        self._settle()
        try:
            self.machine.execute(name, arguments, answered)
        except Exception as error:
            self.failure = error
            self.over.set()
        self.settle()

    async def _await(self, what: str, awaitable: Callable[[], Any]) -> Any:
        """Within a command: wait for something of the event loop's."""
        scheduler = self.machine.scheduler
        task = scheduler.running

        async def run() -> None:
            try:
                answer: Any = await awaitable()
            except (OSError, CaseError) as error:
                answer = error
            scheduler.post(lambda: scheduler.wake(task, answer))
            self.settle()

        running = self._loop.create_task(run())
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)
        answer = await scheduler.suspend(what)
        if isinstance(answer, OSError):
            raise QmpError(f"{what}: {answer.strerror}")
        if isinstance(answer, CaseError):
            raise QmpError(str(answer))
        return answer

    # Commands

    async def _nbd_server_start(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self._nbd is not None:
            raise QmpError("NBD server already running")
        path = arguments["addr"]["data"]["path"]

        async def start() -> NbdServer:
            previous = os.umask(0o177)
            try:
                return await NbdServer.start(path)
            finally:
                os.umask(previous)

        self._nbd = await self._await(f"Failed to bind socket to {path}", start)
        return {}

    async def _nbd_server_stop(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if self._nbd is None:
            raise QmpError("NBD server not running")
        server, self._nbd = self._nbd, None
        for name in list(self._exports):
            self._exports.pop(name).backend.close()
            self.machine.emit("BLOCK_EXPORT_DELETED", {"id": name})
        await self._await("the end of the NBD server", server.close)
        return {}

    def _export_add(self, arguments: dict[str, Any]) -> dict[str, Any]:
        export_id, node_name = arguments["id"], arguments["node-name"]
        if export_id in self._exports:
            raise QmpError(f"Block export id '{export_id}' is already in use")
        if node_name not in self.machine.graph.nodes:
            raise QmpError(f"Cannot find device='' nor node-name='{node_name}'")
        if self._nbd is None:
            raise QmpError("NBD server not running")
        name = arguments.get("name", node_name)
        node = find_node(self.machine.graph, node_name)
        writable = arguments.get("writable", False)
        if writable and node.read_only:
            raise QmpError("Block node is read-only")
        exported = ExportedBackend(name, self.machine.open_guest(node_name), self.settle)
        try:
            self._nbd.add_export(name, exported, read_only=not writable)
        except CaseError as error:
            exported.backend.close()
            raise QmpError(f"NBD server already has export named '{name}'") from error
        self._exports[export_id] = exported
        return {}

    def _export_del(self, arguments: dict[str, Any]) -> dict[str, Any]:
        export_id = arguments["id"]
        exported = self._exports.get(export_id)
        if exported is None:
            raise QmpError(f"Export '{export_id}' is not found")
        assert self._nbd is not None
        del self._exports[export_id]
        self._nbd.remove_export(exported.name)
        exported.backend.close()
        self.machine.emit("BLOCK_EXPORT_DELETED", {"id": export_id})
        return {}

    def _query_exports(self, arguments: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                "id": export_id,
                "type": "nbd",
                "node-name": exported.backend.edge.node.name,
                "shutting-down": False,
            }
            for export_id, exported in self._exports.items()
        ]

    def _object_add(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments["id"] in self._objects:
            raise QmpError(f"attempt to add duplicate property '{arguments['id']}' to object (type 'container')")
        self._objects.add(arguments["id"])
        return {}

    def _object_del(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments["id"] not in self._objects:
            raise QmpError(f"object '{arguments['id']}' not found")
        self._objects.discard(arguments["id"])
        return {}

    def _quit(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self._loop.call_soon(self.over.set)
        return {}

    async def close(self) -> None:
        """Close everything."""
        self.qmp.close()
        if self._nbd is not None:
            await self._nbd.close()
        self._driver.close()
        self.machine.scheduler.close()
        self._files.close()


def serve(options: StartOptions) -> None:
    """Serve until `quit`, SIGTERM or SIGINT.

    :raise UsageError: when an option cannot be carried out.
    """
    asyncio.run(_serve(options))


async def _serve(options: StartOptions) -> None:
    server = MachineServer()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.over.set)
    paths: list[str] = []
    listeners: list[asyncio.AbstractServer] = []
    try:
        for name, arguments in options.commands:
            await _run_first(server, name, arguments)
        for chardev in options.sockets:
            if "fd" in chardev:
                connection = socket.socket(fileno=chardev["fd"])
                connection.setblocking(False)
                await loop.connect_accepted_socket(lambda: QmpProtocol(server.qmp), connection)
            else:
                listeners.append(await _listen(server, chardev["path"]))
                paths.append(chardev["path"])
        await server.over.wait()
        # What was just answered still has to leave.
        await asyncio.sleep(0)
    finally:
        for listener in listeners:
            listener.close()
        for path in paths:
            _unlink(path)
        await server.close()
    if server.failure is not None:
        raise server.failure


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


async def _run_first(server: MachineServer, name: str, arguments: dict[str, Any]) -> None:
    done: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    server.execute(name, arguments, done.set_result)
    reply = await done
    if "error" in reply:
        raise UsageError(f"{name} {arguments}: {reply['error']['desc']}")


async def _listen(server: MachineServer, path: str) -> asyncio.AbstractServer:
    previous = os.umask(0o177)  # nobody else may command us
    try:
        return await asyncio.get_running_loop().create_unix_server(lambda: QmpProtocol(server.qmp), path)
    except OSError as error:
        raise UsageError(f"cannot listen on {path}: {error.strerror}") from error
    finally:
        os.umask(previous)
