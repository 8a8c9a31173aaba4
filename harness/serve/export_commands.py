"""The commands for the NBD server and its exports: what the reference's exports are, with a server around them.

Source: the order of the checks and their texts are QEMU 7.2's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from harness.errors import CaseError
from harness.nbd.export import Export
from harness.nbd.protocol import MAX_NAME_LENGTH
from harness.nbd.server import NbdServer
from harness.serve import sockets
from harness.serve.exported import ExportedBackend
from reference_impl.machine import Machine
from reference_impl.qmp_errors import QmpError

BACKLOG_COUNT = 100

Await = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]
"""Within a command: waits for something of the event loop's; the text says for what, and begins its error."""


class ExportCommands:
    """The NBD server of a machine, at most one at a time.

    :ivar machine: set once there is one. :param settle: lets it go on.
    """

    def __init__(self, wait_for: Await, settle: Callable[[], None]) -> None:
        self.machine: Machine | None = None
        self._await = wait_for
        self._settle = settle
        self._server: NbdServer | None = None
        self._exports: dict[str, Export] = {}

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """By the name of the command."""
        return {
            "nbd-server-start": self.nbd_server_start,
            "nbd-server-stop": self.nbd_server_stop,
            "block-export-add": self.block_export_add,
            "block-export-del": self.block_export_del,
        }

    async def nbd_server_start(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Listen on a unix socket that only this user may open."""
        if self._server is not None:
            raise QmpError("NBD server already running")
        path = arguments["addr"]["data"]["path"]

        async def start() -> NbdServer:
            return await NbdServer.start(path, sockets.listen(path, BACKLOG_COUNT))

        self._server = await self._await(f"Failed to bind socket to {path}", start)
        return {}

    async def nbd_server_stop(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Stop listening and end all exports."""
        if self._server is None:
            raise QmpError("NBD server not running")
        server, self._server = self._server, None
        server.drop_connections()
        for export_id in list(self._exports):
            await self._end(export_id)
        await self._await("the end of the NBD server", server.close)
        return {}

    def block_export_add(self, options: dict[str, Any]) -> dict[str, Any]:
        """Offer a node, and dirty bitmaps, to NBD clients."""
        machine = self.machine
        assert machine is not None
        exports = machine.exports
        exports.block_export_add(options | {"bitmaps": []})
        export_id = options["id"]
        try:
            self._exports[export_id] = self._offer(machine, options)
        except QmpError:
            exports.close(export_id)
            raise
        return {}

    def _offer(self, machine: Machine, options: dict[str, Any]) -> Export:
        server = self._server
        if server is None:
            raise QmpError("NBD server not running")
        name = options.get("name", options["node-name"])
        description = options.get("description", "")
        for text, what in ((name, "export name"), (description, "description")):
            if len(text.encode("utf-8", "surrogateescape")) > MAX_NAME_LENGTH:
                raise QmpError(f"{what} '{text}' too long")
        if name in server.export_names:
            raise QmpError(f"NBD server already has export named '{name}'")
        bitmaps = machine.exports.take_bitmaps(options["id"], options.get("bitmaps", []))
        backend = machine.exports[options["id"]]
        exported = ExportedBackend(name, backend, machine.scheduler, self._settle, bitmaps)
        try:
            return server.add_export(
                name,
                exported,
                read_only=not backend.writable,
                description=description,
                contexts=exported.contexts,
                status=exported,
                lenient=True,
            )
        except CaseError as error:
            raise QmpError(str(error)) from error

    async def block_export_del(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """End an export: with ``hard`` also for the clients that are in it."""
        export_id = arguments["id"]
        export = self._exports.get(export_id)
        if export is None:
            raise QmpError(f"Export '{export_id}' is not found")
        assert self._server is not None
        if arguments.get("mode", "safe") == "safe" and self._server.client_count(export):
            raise QmpError(f"export '{export_id}' still in use")
        self._server.drop_clients_of(export)
        self._server.remove_export(export.name)
        machine = self.machine
        assert machine is not None
        if not machine.exports[export_id].drained_busy():
            await self._end(export_id)
        else:  # what is under way has to come to its end first, which is nothing that a monitor waits for
            machine.scheduler.start(self._end(export_id), f"the end of export '{export_id}'")
        return {}

    async def _end(self, export_id: str) -> None:
        machine = self.machine
        assert machine is not None
        await machine.exports[export_id].rest()
        if self._exports.pop(export_id, None) is not None:
            machine.exports.close(export_id)
            machine.emit("BLOCK_EXPORT_DELETED", {"id": export_id})

    async def close(self) -> None:
        """Stop listening and cut off everybody."""
        if self._server is not None:
            await self._server.close()
