"""Nodes over files: the protocol node ``file``, and ``raw``, the format that adds nothing to it.

The reference opens no file itself. Whoever uses it hands in a `FileSystem`, which makes a storage port of a path.
"""

from __future__ import annotations

import errno as errno_numbers
import os
from typing import Protocol

from reference_impl.dirty_bitmap import SECTOR_BYTES
from reference_impl.drivers.image_header import probe
from reference_impl.errors import ModelError
from reference_impl.graph import BlockIoError, BlockStatus, Edge, Graph, Node
from reference_impl.permissions import RESIZE, Access
from reference_impl.qmp_errors import QmpError, ResizeError
from reference_impl.storage_node import StorageNode, StoragePort


class FileError(ModelError):
    """A file cannot be made or opened; `errno` says why, its text is the system's."""

    def __init__(self, errno: int) -> None:
        super().__init__(os.strerror(errno))
        self.errno = errno


class FileSystem(Protocol):
    """Where files are."""

    def create(self, path: str, size_bytes: int, head: bytes = b"") -> None:
        """Make a file that begins with some bytes and else is zeroes, or make the one that is there such a file.

        :param size_bytes: its length; not less than that of `head`. :raise FileError: when that cannot be.
        """

    def head(self, path: str, length: int) -> bytes:
        """The first bytes of a file, fewer if it is shorter.

        :raise FileError: when it cannot be read.
        """

    def open(self, path: str, *, read_only: bool) -> StoragePort:
        """Open a file.

        :raise FileError: when that cannot be.
        """

    def same(self, one: str, other: str) -> bool:
        """Whether two paths lead to one file."""


class NoFiles:
    """The file system of a machine that was given none."""

    def create(self, path: str, size_bytes: int, head: bytes = b"") -> None:
        raise FileError(errno_numbers.ENOENT)

    def head(self, path: str, length: int) -> bytes:
        raise FileError(errno_numbers.ENOENT)

    def open(self, path: str, *, read_only: bool) -> StoragePort:
        raise FileError(errno_numbers.ENOENT)

    def same(self, one: str, other: str) -> bool:
        return one == other


class FileNode(StorageNode):
    """The protocol node over a file."""

    driver = "file"
    grows = True

    def __init__(
        self,
        graph: Graph,
        name: str,
        files: FileSystem,
        path: str,
        *,
        read_only: bool = False,
        unmap: bool = False,
    ) -> None:
        """Open the file.

        :raise QmpError: when it cannot be opened.
        """
        try:
            port = files.open(path, read_only=read_only)
        except FileError as error:
            raise QmpError(f"Could not open '{path}': {error}") from error
        super().__init__(graph, name, port, read_only=read_only, unmap=unmap)
        self._files = files
        self._opened_read_only = read_only
        self.path = path

    def access_changed(self) -> None:
        if self.read_only or not self._opened_read_only:
            return
        try:
            self._port = self._files.open(self.path, read_only=False)
        except FileError as error:
            raise QmpError(f"Could not reopen file: {error}") from error
        self._opened_read_only = False

    @property
    def filename(self) -> str:
        return self.path

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        run, hole, zero = self._port.block_status(offset, length)
        return BlockStatus(run, data=not hole, zero=zero and hole, allocated=True)

    @property
    def size_bytes(self) -> int:
        # A disk is made of whole sectors; what the file lacks of the last one reads as zeroes and grows when written.
        return -(-self._port.size_bytes // SECTOR_BYTES) * SECTOR_BYTES

    def do_truncate(self, size_bytes: int) -> None:
        try:
            self._port.truncate(size_bytes)
        except FileError as error:
            raise ResizeError(f"Could not resize file: {error}", error.errno) from error


class PassThroughNode(Node):
    """A node that passes everything on to its child ``file``, without being a filter; it may show only a part of it.

    :ivar window: (where that part begins, how long it is, or None for all the rest), in bytes.
    :ivar probed: whether it is raw only because it looked like nothing else: then it must not come to (109).
    """

    driver = "raw"
    reopenable_options = frozenset({"offset", "size"})

    def __init__(self, graph: Graph, name: str, child: Node, *, read_only: bool = False, unmap: bool = False) -> None:
        super().__init__(graph, name, read_only=read_only, unmap=unmap)
        self.window: tuple[int, int | None] = (0, None)
        self.probed = False
        graph.attach(self, "file", child)

    def set_window(self, offset: int, size_bytes: int | None) -> None:
        """Show only a part of the child, from `offset` on; None is all the rest.

        :raise QmpError: when there is no such part.
        """
        available = self.child.size_bytes
        if offset > available:
            raise QmpError(f"Offset ({offset}) cannot be greater than size of the containing file ({available})")
        if size_bytes is not None and size_bytes > available - offset:
            raise QmpError(
                f"The sum of offset ({offset}) and size ({size_bytes}) has to be smaller or equal to the "
                f" actual size of the containing file ({available})"  # two blanks: it is QEMU's own text
            )
        self.window = (offset, size_bytes)

    @property
    def child(self) -> Node:
        """The node below."""
        return self.children["file"].node

    @property
    def filename(self) -> str:
        return self.child.filename

    @property
    def size_bytes(self) -> int:
        offset, size_bytes = self.window
        return self.child.size_bytes - offset if size_bytes is None else size_bytes

    @property
    def cluster_size_bytes(self) -> int:
        return self.child.cluster_size_bytes

    @property
    def subcluster_size_bytes(self) -> int:
        return self.child.subcluster_size_bytes

    @property
    def writes_zeroes_with_unmap(self) -> bool:
        return self.unmap and self.child.writes_zeroes_with_unmap

    def child_access(self, edge: Edge, users: Access) -> Access:
        # A node that shows a part relies on the rest staying where it is.
        return users if self.window == (0, None) else Access(users.needed, users.shared & ~RESIZE)

    def debug_event(self, event: str) -> None:
        self.child.debug_event(event)

    async def do_read(self, offset: int, length: int) -> bytes:
        self.child.debug_event("read_aio")
        return await self.child.read(self.window[0] + offset, length)

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        if self.probed and data and offset < SECTOR_BYTES:
            await self._check_beginning(offset, data)
        self.child.debug_event("write_aio")
        await self.child.write(self.window[0] + offset, data, fua=fua)

    async def _check_beginning(self, offset: int, data: bytes) -> None:
        sector = data[:SECTOR_BYTES]
        if offset or len(data) < SECTOR_BYTES:
            before = await self.child.read(self.window[0], SECTOR_BYTES)
            sector = before[:offset] + data + before[offset + len(data) :]
        if probe(sector[:SECTOR_BYTES]) != "raw":
            raise BlockIoError(errno_numbers.EPERM)

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        await self.child.write_zeroes(self.window[0] + offset, length, may_unmap=may_unmap, fua=fua)

    async def do_discard(self, offset: int, length: int) -> None:
        await self.child.discard(self.window[0] + offset, length)

    async def do_flush(self) -> None:
        await self.child.flush()

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        return await self.child.block_status(self.window[0] + offset, length)

    def do_truncate(self, size_bytes: int) -> None:
        offset, fixed = self.window
        if fixed is not None:
            raise ResizeError("Cannot resize fixed-size raw disks", errno_numbers.ENOTSUP)
        self.child.truncate(offset + size_bytes)


class NullNode(Node):
    """The node ``null-co``: takes everything, keeps nothing.

    :param latency_ns: how long a request takes, in nanoseconds.
    """

    driver = "null-co"
    is_protocol = True

    def __init__(
        self, graph: Graph, name: str, size_bytes: int, *, read_only: bool, read_zeroes: bool, latency_ns: int = 0
    ) -> None:
        super().__init__(graph, name, read_only=read_only)
        self._latency_ns = latency_ns
        self._size_bytes = size_bytes
        self._read_zeroes = read_zeroes

    @property
    def filename(self) -> str:
        return "null-co://"

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    async def _answer(self) -> None:
        if self._latency_ns:
            scheduler = self.graph.scheduler
            task = scheduler.running
            scheduler.timer(self._latency_ns, f"node '{self.name}' answers", lambda: scheduler.wake(task))
            await scheduler.suspend(f"node '{self.name}' to answer")

    async def do_read(self, offset: int, length: int) -> bytes:
        await self._answer()
        return bytes(length)

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        await self._answer()

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        await self._answer()

    async def do_discard(self, offset: int, length: int) -> None:
        await self._answer()

    async def do_flush(self) -> None:
        await self._answer()

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        return BlockStatus(length, data=not self._read_zeroes, zero=self._read_zeroes, allocated=True)
