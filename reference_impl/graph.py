"""Nodes, the edges between them, and drained sections.

A *node* does I/O. An *edge* leads from a parent to a node; a parent is another node (a filter, an overlay), a guest's
backend or a job. Everything that a guest or a job sends to a disk goes through an edge, which is why putting a mirror
filter above a node, or putting the target in the place of the source, is only a matter of moving edges.

A *drained section* on a node keeps all its parents, and theirs, from starting requests, and begins once nothing is in
flight any more.

Source: facts D-table of the historic bugs (D1 to D5, D17) for drains; UG-2 for what `replace` must leave alone.
"""

from __future__ import annotations

import errno as errno_numbers
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from reference_impl.errors import ModelError
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Scheduler, WaitQueue

if TYPE_CHECKING:
    from reference_impl.dirty_bitmap import DirtyBitmap


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


class Parent:
    """Whoever holds an edge: a node, a guest's backend, a job. The defaults are those of one that never does I/O."""

    def describe_parent(self) -> str:
        """Who this is, for messages."""
        raise NotImplementedError

    def drained_begin(self) -> None:
        """Start no more requests."""

    def drained_busy(self) -> bool:
        """Whether requests of this parent, or of its own parents, may still be in flight."""
        return False

    def drained_end(self) -> None:
        """Requests may start again."""


class Edge:
    """A parent's link to a node.

    :ivar role: ``file``, ``backing``, ``root``, or the name under which a job holds a node.
    :ivar parent_quiesced: whether the parent has been told to be quiet because of this edge.
    """

    __slots__ = ("node", "parent", "parent_quiesced", "role")

    def __init__(self, parent: Parent, node: Node, role: str) -> None:
        self.parent = parent
        self.node = node
        self.role = role
        self.parent_quiesced = False
        node.parents.append(self)
        self._follow_quiescence()

    def move(self, node: Node) -> None:
        """Let the edge lead to another node; the parent is quiet exactly while the node it leads to is drained."""
        self.node.parents.remove(self)
        self.node = node
        node.parents.append(self)
        self._follow_quiescence()

    def remove(self) -> None:
        """Take the edge out of the graph; the parent may go on."""
        self.node.parents.remove(self)
        self.end_quiescence()

    def _follow_quiescence(self) -> None:
        if self.node.quiesce_count:
            self.begin_quiescence()
        else:
            self.end_quiescence()

    def begin_quiescence(self) -> None:
        """Keep the parent from starting requests, once however often this is asked."""
        if not self.parent_quiesced:
            self.parent_quiesced = True
            self.parent.drained_begin()

    def end_quiescence(self) -> None:
        """Let the parent go on, if this edge kept it from doing so."""
        if self.parent_quiesced:
            self.parent_quiesced = False
            self.parent.drained_end()


class Node(Parent):
    """A block node: what a driver makes of its storage or of its children.

    Drivers override the ``do_`` methods; everybody else calls those without, which check the range, count the request
    as in flight, and mark the node's enabled bitmaps after a write, whether it succeeded or not (C9: never before).

    :ivar unmap: whether the node was opened with ``discard=unmap``; without, discards succeed and do nothing, and
        write-zeroes requests never deallocate.
    :ivar in_flight: requests that have entered the node and not left it.
    :ivar owned_by_monitor: whether a user made the node; one that was made on the way goes when nobody uses it.
    :ivar locked_by_others: whether its storage is open elsewhere, so that nobody may write through this node.
    """

    driver = "?"
    is_filter = False
    supports_fua = True

    def __init__(self, graph: Graph, name: str, *, read_only: bool = False, unmap: bool = False) -> None:
        self.graph = graph
        self.name = name
        self.read_only = read_only
        self.unmap = unmap
        self.parents: list[Edge] = []
        self.children: dict[str, Edge] = {}
        self.bitmaps: list[DirtyBitmap] = []
        self.in_flight = 0
        self.quiesce_count = 0
        self.owned_by_monitor = True
        self.locked_by_others = False
        self._flushing = False
        self._flush_queue = WaitQueue(graph.scheduler)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    # What a driver provides

    @property
    def size_bytes(self) -> int:
        """The length of the disk in bytes."""
        raise NotImplementedError

    @property
    def filename(self) -> str:
        """What the node calls its storage, for people."""
        return ""

    def do_truncate(self, size_bytes: int) -> None:
        raise QmpError("Image format driver does not support resize")

    @property
    def cluster_size_bytes(self) -> int:
        """The unit in which the driver allocates, 0 if it has none."""
        return 0

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
        while self._flushing:
            await self._flush_queue.wait(f"the flush of node '{self.name}' before this one")
        self._flushing = True
        try:
            await self.do_flush()
        finally:
            self._flushing = False
            self._flush_queue.wake_first()
            self.request_done()

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

        :raise QmpError: when the disk is read-only or the driver cannot; then nothing has changed.
        """
        if self.read_only:
            raise QmpError("Image is read-only")
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
        for bitmap in self.bitmaps:
            if bitmap.enabled and length:
                bitmap.set(offset, length)

    # As a parent of its children

    def describe_parent(self) -> str:
        return f"node '{self.name}'"

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
                edge.begin_quiescence()

    def unquiesce(self) -> None:
        """Undo one `quiesce`."""
        if not self.quiesce_count:
            raise ModelError(f"node '{self.name}': a drained section ends that never began")
        self.quiesce_count -= 1
        if not self.quiesce_count:
            for edge in list(self.parents):
                edge.end_quiescence()

    def busy(self) -> bool:
        """Whether requests are in flight in this node or may still come from above."""
        return self.in_flight > 0 or any(edge.parent.drained_busy() for edge in self.parents)

    async def drained_begin_and_wait(self) -> None:
        """Begin a drained section: return once nothing is in flight and nothing can start."""
        self.quiesce()
        while self.busy():
            await self.graph.drain_waiters.wait(f"node '{self.name}' to be drained")


class Graph:
    """All nodes by name, and the rules for changing the edges between them.

    :ivar drain_waiters: tasks that wait for a drained section to begin.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.nodes: dict[str, Node] = {}
        self.drain_waiters = WaitQueue(scheduler)
        self._generated_count = 0

    def generate_name(self) -> str:
        """A name that no user can give: they may not start with ``#``."""
        self._generated_count += 1
        return f"#block{self._generated_count:03}"

    def add(self, node: Node) -> None:
        """Enter a node under its name."""
        if node.name in self.nodes:
            raise ModelError(f"Duplicate nodes with node-name='{node.name}'")
        self.nodes[node.name] = node

    def remove(self, node: Node) -> None:
        """Take a node that nobody uses, and its edges to its children, out of the graph."""
        if node.parents:
            raise ModelError(f"node '{node.name}' is removed while {node.parents[0].parent.describe_parent()} uses it")
        for edge in node.children.values():
            edge.remove()
        node.children.clear()
        del self.nodes[node.name]

    def remove_unused(self) -> None:
        """Take out every node that was made on the way and that nobody uses any more, from the top down."""
        while unused := [node for node in self.nodes.values() if not node.owned_by_monitor and not node.parents]:
            for node in unused:
                self.remove(node)

    def attach(self, parent: Node, role: str, child: Node) -> Edge:
        """Make `child` the child of `parent` in that role."""
        edge = Edge(parent, child, role)
        parent.children[role] = edge
        return edge

    def drain_progressed(self) -> None:
        """Let everybody who waits for a drained section look again."""
        if len(self.drain_waiters):
            self.drain_waiters.wake_all()

    def insert_above(self, filter_node: Node, role: str, node: Node) -> None:
        """Put a filter above a node: everybody who used the node uses the filter, which uses the node."""
        for edge in list(node.parents):
            edge.move(filter_node)
        self.attach(filter_node, role, node)

    def replace(self, old: Node, new: Node) -> None:
        """Let everybody who uses `old` use `new`, except `new` itself and what lies below it (UG-2: no loops)."""
        below_new = set(self.subtree(new))
        for edge in list(old.parents):
            if edge.parent not in below_new:
                edge.move(new)

    def subtree(self, node: Node) -> Iterator[Node]:
        """The node and everything below it."""
        yield node
        for edge in node.children.values():
            yield from self.subtree(edge.node)

    @staticmethod
    def is_root(node: Node) -> bool:
        """Whether nobody but guests and exports uses the node: no other node, and no job."""
        return all(edge.role == "root" for edge in node.parents)

    @staticmethod
    def skip_filters(node: Node) -> Node:
        """The first node, going down, that is no filter: the one that holds the data."""
        while node.is_filter and node.children:
            node = next(iter(node.children.values())).node
        return node
