"""A node of the graph: what everybody calls, what a driver provides, and drained sections.

A *drained section* on a node keeps all its parents, and theirs, from starting requests, and begins once nothing is in
flight any more.

Source: facts D-table of the historic bugs (D1 to D5, D17) for drains; C9 for bitmaps.
"""

from __future__ import annotations

import errno as errno_numbers
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from reference_impl.edges import Edge, Parent
from reference_impl.errors import ModelError
from reference_impl.permissions import Access, of_filter
from reference_impl.qmp_errors import ResizeError
from reference_impl.scheduler import WaitQueue

if TYPE_CHECKING:
    from reference_impl.dirty_bitmap import DirtyBitmap
    from reference_impl.graph import Graph


class BlockIoError(ModelError):
    """A request failed; `errno` says how. Its text is the system's, which is what QMP events and replies show."""

    def __init__(self, errno: int) -> None:
        super().__init__(os.strerror(errno))
        self.errno = errno


class BlockStatus(NamedTuple):
    """What a node says of a range: the first `length_bytes` bytes of it are alike.

    :ivar data: reading them needs the medium. :ivar zero: they read as zeroes.
    :ivar allocated: they come from this node and not from a backing file.
    """

    length_bytes: int
    data: bool
    zero: bool
    allocated: bool


class Node(Parent):
    """A block node: what a driver makes of its storage or of its children.

    Drivers override the ``do_`` methods; everybody else calls those without, which check the range, count the request
    as in flight, and mark the node's enabled bitmaps after a write, whether it succeeded or not (C9: never before).

    :ivar options: those that a user gave for it; none if no user did.
    :ivar unmap: whether the node was opened with ``discard=unmap``; without, discards succeed and do nothing, and
        write-zeroes requests never deallocate.
    :ivar needs_flush: whether something was written since the flush before the one that is under way.
    :ivar in_flight: requests that have entered the node and not left it.
    :ivar owned_by_monitor: whether a user made the node; one that was made on the way goes when nobody uses it.
    :ivar locked_by_others: whether its storage is open elsewhere, so that nobody may write through this node.
    """

    driver = "?"
    is_filter = False
    supports_reopening = True
    reopenable_options: frozenset[str] = frozenset()
    """Which options of the driver's own, beside its children, can be changed."""
    is_of_job = False
    """Whether a job puts such nodes in for its own ends."""
    supports_fua = True
    is_protocol = False
    """Whether the driver is over storage itself, and a file that is opened in the same way is not probed."""
    grows = False
    """Whether the storage takes more than its length when more is written to it."""

    def __init__(self, graph: Graph, name: str, *, read_only: bool = False, unmap: bool = False) -> None:
        self.graph = graph
        self.name = name
        self.read_only = read_only
        self.unmap = unmap
        self.options: Mapping[str, Any] = {}
        self.parents: list[Edge] = []
        self.children: dict[str, Edge] = {}
        self.bitmaps: list[DirtyBitmap] = []
        self.in_flight = 0
        self.quiesce_count = 0
        self.owned_by_monitor = True
        self.locked_by_others = False
        self.needs_flush = False
        self._written_count = 0
        self._flushed_count = 0
        self._flushing = False
        self._flush_queue = WaitQueue(graph.scheduler)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def is_implicit(self) -> bool:
        """Whether it is a job's filter that nobody asked for by name."""
        return self.is_of_job and self.name.startswith("#")

    # What a driver provides

    @property
    def size_bytes(self) -> int:
        """The length of the disk in bytes."""
        raise NotImplementedError

    @property
    def filename(self) -> str:
        """What the node calls its storage, for people."""
        return ""

    @property
    def backing_file(self) -> str:
        """What the image says is below it, be that there or not; empty for nothing."""
        return ""

    def do_truncate(self, size_bytes: int) -> None:
        raise ResizeError("Image format driver does not support resize", errno_numbers.ENOTSUP)

    @property
    def cluster_size_bytes(self) -> int:
        """The unit in which the driver allocates, 0 if it has none."""
        return 0

    @property
    def subcluster_size_bytes(self) -> int:
        """The part of a cluster that can be there without the rest of it."""
        return self.cluster_size_bytes

    @property
    def writes_zeroes_with_unmap(self) -> bool:
        """Whether zeroes can be written by deallocating: the driver can, and the node was opened for it."""
        return False

    async def do_read(self, offset: int, length: int) -> bytes:
        raise NotImplementedError

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        raise NotImplementedError

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        raise NotImplementedError

    async def do_discard(self, offset: int, length: int) -> None:
        raise NotImplementedError

    async def do_flush(self) -> None:
        raise NotImplementedError

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        return BlockStatus(length, data=True, zero=False, allocated=True)

    def change_backing_file(self, name: str, driver: str) -> None:
        """Note what the image is to say is below it, and of which format; empty for nothing. Not all drivers can."""

    def on_removal(self) -> None:
        """Give back what the driver has taken hold of beside its children, before the node goes."""

    def debug_event(self, event: str) -> None:
        """Note that a request from above has come to a point that a debugging node waits for; few pass that on."""

    def may_replace_child(self, child: Node) -> bool:
        """Whether a copy of this node may take a child's place, though the two may differ."""
        return False

    def access_changed(self) -> None:
        """Do what it takes to be written, if that is allowed from now on.

        :raise QmpError: when that cannot be.
        """

    def child_access(self, edge: Edge, users: Access) -> Access:
        """What the node needs of a child and shares, given what all its own users together need and share."""
        return of_filter(users)

    # What everybody calls

    async def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes at `offset`.

        :raise BlockIoError: EIO when the range leaves the disk, or what the driver failed with.
        """
        self._check_range(offset, length)
        self.in_flight += 1
        try:
            return await self.do_read(offset, length)
        finally:
            self.request_done()

    async def write(self, offset: int, data: bytes, *, fua: bool = False) -> None:
        """Write data at `offset`; `fua` asks for it to be durable when this returns.

        :raise BlockIoError: as `read`; EPERM on a read-only node.
        """
        self._check_writable(offset, len(data))
        self.in_flight += 1
        try:
            await self.do_write(offset, data, fua and self.supports_fua)
            if fua and not self.supports_fua:
                await self.flush()
        finally:
            self._mark_dirty(offset, len(data))
            self.request_done()

    async def write_zeroes(self, offset: int, length: int, *, may_unmap: bool = False, fua: bool = False) -> None:
        """Write zeroes; `may_unmap` allows to deallocate instead, where the node was opened for that."""
        self._check_writable(offset, length)
        self.in_flight += 1
        try:
            await self.do_write_zeroes(offset, length, may_unmap and self.unmap, fua and self.supports_fua)
            if fua and not self.supports_fua:
                await self.flush()
        finally:
            self._mark_dirty(offset, length)
            self.request_done()

    async def keep(self, offset: int, data: bytes) -> None:
        """Write what reads there already: for everybody but the node itself nothing changes, bitmaps included."""
        self._check_writable(offset, len(data))
        self.in_flight += 1
        try:
            if data.count(0) == len(data):
                await self.do_write_zeroes(offset, len(data), False, False)
            else:
                await self.do_write(offset, data, False)
        finally:
            self._written_count += 1
            self.request_done()

    async def discard(self, offset: int, length: int) -> None:
        """Say that the range is not needed any more: a hint, which a node opened without unmap swallows (A9)."""
        self._check_writable(offset, length)
        if not self.unmap or not length:
            return
        self.in_flight += 1
        try:
            await self.do_discard(offset, length)
        finally:
            self._mark_dirty(offset, length)
            self.request_done()

    async def flush(self) -> None:
        """Make everything that was acknowledged durable; a node flushes once at a time, a read-only one never."""
        if self.read_only:
            return
        self.in_flight += 1
        written_count = self._written_count
        while self._flushing:
            await self._flush_queue.wait(f"the flush of node '{self.name}' before this one")
        self._flushing = True
        self.needs_flush = written_count != self._flushed_count
        try:
            self._raise_flush_events()
            await self.do_flush()
            self._flushed_count = written_count
        finally:
            self._flushing = False
            self._flush_queue.wake_first()
            self.request_done()

    def _raise_flush_events(self) -> None:
        edge = self.children.get("file") or self.children.get("image")
        if edge is not None:
            edge.node.debug_event("flush_to_os")
            if self.needs_flush:
                edge.node.debug_event("flush_to_disk")

    async def block_status(self, offset: int, length: int) -> BlockStatus:
        """Say what the range holds, for as much of its beginning as is alike."""
        self.in_flight += 1
        try:
            return await self.do_block_status(offset, length)
        finally:
            self.request_done()

    def truncate(self, size_bytes: int) -> None:
        """Change the length of the disk; its bitmaps follow, and what is new is clean (B2).

        The bitmaps take the length that the disk then has and not the one that was asked for: a driver may round it, or
        leave the disk as it is.

        :raise ResizeError: when the disk is read-only or the driver cannot; then nothing has changed.
        """
        if self.read_only:
            raise ResizeError("Image is read-only", errno_numbers.EACCES)
        self.do_truncate(size_bytes)
        for bitmap in self.bitmaps:
            bitmap.truncate(self.size_bytes)

    def request_done(self) -> None:
        """Count one request less, and let drained sections look again."""
        self.in_flight -= 1
        self.graph.drain_progressed()

    def _check_range(self, offset: int, length: int) -> None:
        if offset < 0 or length < 0 or offset + length > self.size_bytes:
            raise BlockIoError(errno_numbers.EIO)

    def _check_writable(self, offset: int, length: int) -> None:
        if self.read_only:
            raise BlockIoError(errno_numbers.EPERM)
        self._check_range(offset, length)

    def _mark_dirty(self, offset: int, length: int) -> None:
        self._written_count += 1
        for bitmap in self.bitmaps:
            if bitmap.enabled and length:
                bitmap.set(offset, length)

    # As a parent of its children

    def describe_parent(self) -> str:
        return f"node '{self.name}'"

    def blocker(self, edge: Edge) -> str | None:
        if edge.role == "backing" and not self.is_filter:
            return f"node is used as backing hd of '{self.name}'"
        return None

    def drained_begin(self) -> None:
        self.quiesce()

    def drained_busy(self) -> bool:
        return self.busy()

    def drained_end(self) -> None:
        self.unquiesce()

    # Drained sections

    def quiesce(self) -> None:
        """Keep all parents from starting requests; may be nested."""
        self.quiesce_count += 1
        if self.quiesce_count == 1:
            for edge in list(self.parents):
                # Whoever is told to be quiet may take other users away, or the node itself (UD-1, UD-2).
                if edge in self.parents:
                    edge.begin_quiescence()

    def unquiesce(self) -> None:
        """Undo one `quiesce`."""
        if not self.quiesce_count:
            raise ModelError(f"node '{self.name}': a drained section ends that never began")
        self.quiesce_count -= 1
        if not self.quiesce_count:
            for edge in list(self.parents):
                if edge in self.parents:
                    edge.end_quiescence()

    def busy(self) -> bool:
        """Whether requests are in flight in this node or may still come from above."""
        return self.in_flight > 0 or any(edge.parent.drained_busy() for edge in list(self.parents))

    async def drained_begin_and_wait(self) -> None:
        """Begin a drained section: return once nothing is in flight and nothing can start."""
        self.quiesce()
        while self.busy():
            await self.graph.drain_waiters.wait(f"node '{self.name}' to be drained")
