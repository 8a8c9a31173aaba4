"""The guest's end: a backend that sends requests to whatever node its edge leads to at that moment.

While the node is drained, requests wait in the backend in the order in which they came, and are not in flight (D17: a
request that goes on counts as in flight before anything else can run).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from reference_impl.chains import block_status_above
from reference_impl.graph import BlockIoError, BlockStatus, Edge, Graph, Node, Parent
from reference_impl.permissions import ALL, READER, WRITER, Access
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Task, WaitQueue


@dataclass(slots=True, eq=False)
class GuestRequest:
    """One request of a guest.

    :ivar errno: None while it is under way, 0 when it succeeded, else why it failed.
    :ivar data: what a read returned.
    """

    operation: str
    offset: int
    length: int
    payload: bytes | None = None
    fua: bool = False
    may_unmap: bool = False
    errno: int | None = None
    data: bytes | None = None
    task: Task | None = field(default=None, repr=False)


class Backend(Parent):
    """A guest device or an export: the root of a chain of nodes.

    :param writable: whether it is to write; by default, if the node can be written.
    """

    def __init__(self, graph: Graph, node: Node, name: str, *, writable: bool | None = None) -> None:
        """Give access to a node.

        :raise QmpError: when its other users forbid that.
        """
        self.name = name
        self._graph = graph
        self._in_flight = 0
        self._quiesce_count = 0
        self._queued = WaitQueue(graph.scheduler)
        self.writable = not node.read_only if writable is None else writable
        access = WRITER if self.writable else READER
        # What it needs is asked for first, and only then is said what it does not share: that decides who is named.
        self.edge = Edge(self, node, "root", Access(access.needed, ALL))
        try:
            self.edge.change_access(access)
        except QmpError:
            self.edge.remove()
            raise

    def describe_parent(self) -> str:
        return "an unnamed block device"  # QEMU names devices here, and exports have no name of that kind

    def submit(self, request: GuestRequest, on_done: Callable[[GuestRequest], None] | None = None) -> GuestRequest:
        """Send a request; it runs to its first wait before this returns. `on_done` is called when it is answered."""
        name = f"guest {request.operation} {request.offset}+{request.length}"
        request.task = self._graph.scheduler.start(self._serve(request, on_done), name)
        return request

    async def _serve(self, request: GuestRequest, on_done: Callable[[GuestRequest], None] | None) -> None:
        await self._enter()
        try:
            request.data = await self._perform(request, self.edge.node)
            errno = 0
        except BlockIoError as error:
            errno = error.errno
        self._in_flight -= 1
        request.errno = errno
        self._graph.drain_progressed()
        if on_done is not None:
            on_done(request)

    async def _enter(self) -> None:
        """Wait until a request may start, and count it as in flight."""
        while self._quiesce_count:
            await self._queued.wait(f"the drained section of node '{self.edge.node.name}' to end")
        self._in_flight += 1

    async def block_status(self, offset: int, length: int) -> BlockStatus:
        """What the whole chain holds in a range, for as much of its beginning as is alike.

        :raise BlockIoError: what a node failed with.
        """
        await self._enter()
        try:
            return await block_status_above(self._graph, self.edge.node, None, offset, length)
        finally:
            self._in_flight -= 1
            self._graph.drain_progressed()

    async def rest(self) -> None:
        """Wait until nothing of it is in flight."""
        while self._in_flight:
            await self._graph.drain_waiters.wait(f"the requests of '{self.name}'")

    @staticmethod
    async def _perform(request: GuestRequest, node: Node) -> bytes | None:
        offset, length = request.offset, request.length
        match request.operation:
            case "read":
                return await node.read(offset, length)
            case "write":
                await node.write(offset, request.payload or b"", fua=request.fua)
            case "zero":
                await node.write_zeroes(offset, length, may_unmap=request.may_unmap, fua=request.fua)
            case "discard":
                await node.discard(offset, length)
            case "flush":
                await node.flush()
            case _:
                raise ValueError(f"unknown guest operation '{request.operation}'")
        return None

    def close(self) -> None:
        """Take the backend away from its node, which goes with it if nobody else wants it."""
        self.edge.remove()
        self._graph.remove_unused()

    def drained_begin(self) -> None:
        self._quiesce_count += 1

    def drained_busy(self) -> bool:
        return self._in_flight > 0

    def drained_end(self) -> None:
        self._quiesce_count -= 1
        if not self._quiesce_count:
            self._queued.wake_all()
