"""The driver ``nbd`` of a reference with sockets: a node over somebody else's export."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from harness.errors import MirrorcheckError
from harness.nbd.client import NbdClient
from harness.nbd.client_request import ClientRequest
from harness.storage import Operation
from reference_impl.graph import BlockStatus, Graph
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Scheduler
from reference_impl.storage_node import Completion, StorageNode

EIO = 5
_HOLE, _ZERO = 1, 2


class _Port:
    """An NBD client as a storage port."""

    def __init__(self, client: NbdClient, scheduler: Scheduler, settle: Callable[[], None]) -> None:
        self.client = client
        self._scheduler = scheduler
        self._settle = settle

    @property
    def size_bytes(self) -> int:
        return self.client.size

    def submit(
        self,
        operation: str,
        offset: int,
        length: int,
        data: bytes | None,
        fua: bool,
        may_unmap: bool,
        completion: Completion,
    ) -> None:
        def on_complete(request: ClientRequest) -> None:
            errno, result = request.errno or 0, request.data
            self._scheduler.post(lambda: completion(errno, result))
            self._settle()

        try:
            self.client.submit(
                Operation(operation), offset, length, data, fua=fua, may_unmap=may_unmap, on_complete=on_complete
            )
        except MirrorcheckError:  # the server is gone
            self._scheduler.post(lambda: completion(EIO, None))

    def truncate(self, size_bytes: int) -> None:
        """An export keeps its length."""

    def block_status(self, offset: int, length: int) -> tuple[int, bool, bool]:
        return length, False, False


class NbdNode(StorageNode):
    """Asks its server what is a hole, where the server can tell."""

    def __init__(self, graph: Graph, name: str, port: _Port, *, read_only: bool, unmap: bool) -> None:
        super().__init__(graph, name, port, read_only=read_only, unmap=unmap)
        self._client = port.client
        self._settle = port._settle

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        scheduler = self.graph.scheduler
        task = scheduler.running

        async def ask() -> None:
            try:
                extents = await self._client.block_status(offset, min(length, 1 << 30))
                answer: Any = (extents[0].length, extents[0].flags)
            except (MirrorcheckError, OSError):
                answer = (length, 0)
            scheduler.post(lambda: scheduler.wake(task, answer))
            self._settle()

        asking = asyncio.get_running_loop().create_task(ask())
        run, flags = await scheduler.suspend(f"block status of '{self.name}' at {offset}")
        del asking
        hole, zero = bool(flags & _HOLE), bool(flags & _ZERO)
        return BlockStatus(min(run, length), data=not hole and not zero, zero=zero, allocated=True)


class NbdDriver:
    """Makes nodes of the driver."""

    def __init__(self, settle: Callable[[], None]) -> None:
        self._settle = settle
        self.graph: Graph | None = None
        self._clients: list[NbdClient] = []

    async def make(self, name: str, options: dict[str, Any]) -> StorageNode:
        """Connect, and make a node.

        :raise QmpError: when that cannot be.
        """
        assert self.graph is not None
        scheduler = self.graph.scheduler
        task = scheduler.running
        path = options["server"]["path"]

        async def connect() -> None:
            try:
                answer: Any = await NbdClient.connect(path, options.get("export", ""))
            except (MirrorcheckError, OSError) as error:
                answer = error
            scheduler.post(lambda: scheduler.wake(task, answer))
            self._settle()

        connecting = asyncio.get_running_loop().create_task(connect())
        client = await scheduler.suspend(f"the connection to '{path}'")
        del connecting
        if isinstance(client, OSError):
            raise QmpError(f"Failed to connect to '{path}': {client.strerror}")
        if isinstance(client, Exception):
            raise QmpError(f"Failed to connect to '{path}': {client}")
        self._clients.append(client)
        unmap = options.get("discard") == "unmap"
        port = _Port(client, scheduler, self._settle)
        return NbdNode(self.graph, name, port, read_only=options.get("read-only", False), unmap=unmap)

    def close(self) -> None:
        """Hang up everywhere."""
        for client in self._clients:
            client.abort()
