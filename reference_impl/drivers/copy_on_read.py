"""The filter ``copy-on-read``: what is read from a backing file is written into the overlay on the way.

Source: 041-P, 041-Q.
"""

from __future__ import annotations

from reference_impl.drivers.filter import FilterNode
from reference_impl.edges import Edge
from reference_impl.graph import Graph, Node
from reference_impl.permissions import WRITE_UNCHANGED, Access
from reference_impl.range_lock import RangeLock


class CopyOnReadNode(FilterNode):
    """Fills the node below while it is read.

    A copy and a write of the same bytes must not overlap, or old data would come over new.
    """

    driver = "copy-on-read"

    def __init__(self, graph: Graph, name: str, child: Node, *, read_only: bool = False, unmap: bool = False) -> None:
        self._lock = RangeLock(graph.scheduler, f"node '{name}'")
        super().__init__(graph, name, child, read_only=read_only, unmap=unmap)

    def child_access(self, edge: Edge, users: Access) -> Access:
        # Nobody sees that a copy is made, so users need not share it for it to be needed.
        return Access(users.needed | WRITE_UNCHANGED, users.shared | WRITE_UNCHANGED)

    async def do_read(self, offset: int, length: int) -> bytes:
        end = offset + length
        start, stop = self._to_clusters(offset, end)
        async with self._lock.hold(start, stop):
            await self._fill(start, stop)
            return await self.child.read(offset, length)

    async def _fill(self, start: int, stop: int) -> None:
        child = self.child
        while start < stop:
            status = await child.block_status(start, stop - start)
            if not status.allocated:
                data = await child.read(start, status.length_bytes)
                if data.count(0) == len(data):
                    await child.write_zeroes(start, len(data))
                else:
                    await child.write(start, data)
            start += status.length_bytes

    def _to_clusters(self, start: int, end: int) -> tuple[int, int]:
        cluster = self.child.cluster_size_bytes or 1
        return start // cluster * cluster, min(-(-end // cluster) * cluster, self.size_bytes)

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        async with self._lock.hold(offset, offset + len(data)):
            await self.child.write(offset, data, fua=fua)

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        async with self._lock.hold(offset, offset + length):
            await self.child.write_zeroes(offset, length, may_unmap=may_unmap, fua=fua)

    async def do_discard(self, offset: int, length: int) -> None:
        async with self._lock.hold(offset, offset + length):
            await self.child.discard(offset, length)
