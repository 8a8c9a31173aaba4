"""The filter ``copy-on-read``: what is read from a backing file is written into the overlay on the way.

With a *bottom*, only what the images down to that one hold is kept; what comes from further below is passed through.
The links down to the bottom are frozen then.

Source: 041-P, 041-Q; 030 for the bottom.
"""

from __future__ import annotations

from reference_impl.chains import shown_from_below
from reference_impl.drivers.filter import FilterNode
from reference_impl.edges import Edge
from reference_impl.graph import Graph, Node
from reference_impl.permissions import WRITE_UNCHANGED, Access
from reference_impl.qmp_errors import QmpError
from reference_impl.range_lock import RangeLock


class CopyOnReadNode(FilterNode):
    """Fills the node below while it is read.

    A copy and a write of the same bytes must not overlap, or old data would come over new.

    :ivar bottom: the last image of which something is kept; None for all there are.
    """

    driver = "copy-on-read"
    supports_reopening = False

    def __init__(
        self,
        graph: Graph,
        name: str,
        child: Node,
        *,
        bottom: Node | None = None,
        read_only: bool = False,
        unmap: bool = False,
    ) -> None:
        """Make the filter.

        :raise QmpError: when the permissions conflict, or a link down to the bottom is frozen.
        """
        self._lock = RangeLock(graph.scheduler, f"node '{name}'")
        self.bottom = bottom
        super().__init__(graph, name, child, read_only=read_only, unmap=unmap)
        if bottom is not None:
            try:
                graph.freeze_chain(self, bottom)
            except QmpError:
                self.bottom = None
                graph.detach(self, self.child_role)
                raise

    def release_chain(self) -> None:
        """Let links be changed again."""
        if self.bottom is not None:
            self.graph.unfreeze_chain(self, self.bottom)
            self.bottom = None

    def on_removal(self) -> None:
        self.release_chain()

    def child_access(self, edge: Edge, users: Access) -> Access:
        # Nobody sees that a copy is made, so users need not share it for it to be needed.
        return Access(users.needed | WRITE_UNCHANGED, users.shared | WRITE_UNCHANGED)

    async def do_read(self, offset: int, length: int) -> bytes:
        return await self._read(offset, length, wanted=True)

    async def prefetch(self, offset: int, length: int) -> None:
        """Keep a range as if it had been read.

        :raise BlockIoError: what reading it or keeping it failed with.
        """
        self._check_range(offset, length)
        self.in_flight += 1
        try:
            await self._read(offset, length, wanted=False)
        finally:
            self.request_done()

    async def _read(self, offset: int, length: int, *, wanted: bool) -> bytes:
        parts = []
        end = offset + length
        while offset < end:
            run, is_kept = await self._next_run(offset, end - offset)
            if is_kept:
                parts += await self._fill(offset, offset + run, wanted=wanted)
            elif wanted:
                parts.append(await self.child.read(offset, run))
            offset += run
        return b"".join(parts)

    async def _next_run(self, offset: int, length: int) -> tuple[int, bool]:
        """(how long a run is alike, whether it is to be kept)."""
        if self.bottom is None:
            return length, True
        image = self.graph.skip_filters(self.child)
        status = await image.block_status(offset, length)
        if status.allocated:
            return status.length_bytes, False
        return await shown_from_below(self.graph, image, self.bottom, offset, status.length_bytes)

    async def _fill(self, offset: int, end: int, *, wanted: bool) -> list[bytes]:
        """Keep the clusters that a range touches; return what the range holds, if it is wanted."""
        child = self.child
        start, stop = self._to_clusters(offset, end)
        parts = []
        async with self._lock.hold(start, stop):
            while start < stop:
                status = await child.block_status(start, stop - start)
                run_end = start + status.length_bytes
                inner, inner_end = max(start, offset), min(run_end, end)
                if not status.allocated:
                    data = await child.read(start, status.length_bytes)
                    await child.keep(start, data)
                    parts.append(data[inner - start : inner_end - start])
                elif wanted and inner < inner_end:
                    parts.append(await child.read(inner, inner_end - inner))
                start = run_end
        return parts

    def _to_clusters(self, start: int, end: int) -> tuple[int, int]:
        cluster = self.child.subcluster_size_bytes or 1
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
