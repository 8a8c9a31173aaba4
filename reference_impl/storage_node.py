"""The node over storage that somebody else owns, and the port through which it reaches it.

The reference does no I/O. Whoever uses it hands in a *storage port*: an object that takes requests and says, some time
later, how they went. Towards QMP such a node calls itself ``nbd``, because that is what the very same storage is to a
real program: an export of the harness's own server.
"""

from __future__ import annotations

import errno as errno_numbers
from collections.abc import Callable
from typing import Protocol

from reference_impl.graph import BlockIoError, BlockStatus, Graph, Node
from reference_impl.qmp_errors import ResizeError

Completion = Callable[[int, bytes | None], None]
"""Called with an errno (0: it went well) and, for a read, the data."""


class StoragePort(Protocol):
    """What storage looks like from below a node."""

    @property
    def size_bytes(self) -> int:
        """Length of the storage in bytes."""

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
        """Take a request (``read``, ``write``, ``zero``, ``discard`` or ``flush``).

        `completion` is called exactly once, never from within this call, or not at all when storage never answers.
        """

    def truncate(self, size_bytes: int) -> None:
        """Change the length, where that can be done."""

    def block_status(self, offset: int, length: int) -> tuple[int, bool, bool]:
        """(length of the first run that is alike, whether it is a hole, whether it reads as zeroes)."""


class StorageNode(Node):
    """A node whose every request becomes one request to a storage port, but for those of no bytes, which end here."""

    driver = "nbd"
    is_protocol = True

    def __init__(
        self, graph: Graph, name: str, port: StoragePort, *, read_only: bool = False, unmap: bool = False
    ) -> None:
        super().__init__(graph, name, read_only=read_only, unmap=unmap)
        self._port = port

    @property
    def size_bytes(self) -> int:
        return self._port.size_bytes

    @property
    def filename(self) -> str:
        return f"{self.driver}:{self.name}"

    def do_truncate(self, size_bytes: int) -> None:
        # The length of an export is its server's affair; that a client makes do with less harms nobody.
        if size_bytes > self.size_bytes:
            raise ResizeError("Cannot grow NBD nodes", errno_numbers.EINVAL)

    @property
    def writes_zeroes_with_unmap(self) -> bool:
        return self.unmap

    async def _request(
        self,
        operation: str,
        offset: int,
        length: int,
        data: bytes | None = None,
        *,
        fua: bool = False,
        may_unmap: bool = False,
    ) -> bytes | None:
        if not length and operation != "flush":
            return b""  # no NBD client asks its server for nothing
        scheduler = self.graph.scheduler
        task = scheduler.running

        def completion(errno: int, result: bytes | None) -> None:
            scheduler.wake(task, (errno, result))

        self._port.submit(operation, offset, length, data, fua, may_unmap, completion)
        errno, result = await scheduler.suspend(f"storage '{self.name}' to {operation} {offset}+{length}")
        if errno:
            raise BlockIoError(errno)
        return result  # type: ignore[no-any-return]

    async def do_read(self, offset: int, length: int) -> bytes:
        data = await self._request("read", offset, length)
        assert data is not None
        return data

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        await self._request("write", offset, len(data), data, fua=fua)

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        await self._request("zero", offset, length, fua=fua, may_unmap=may_unmap)

    async def do_discard(self, offset: int, length: int) -> None:
        await self._request("discard", offset, length)

    async def do_flush(self) -> None:
        await self._request("flush", 0, 0)

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        run, hole, zero = self._port.block_status(offset, length)
        # An NBD client takes a hole for unallocated space that may have to be read, and zeroes for zeroes.
        return BlockStatus(run, data=not hole and not zero, zero=zero, allocated=True)
