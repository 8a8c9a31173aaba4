"""The copy-on-write overlay: what an image of the format ``qcow2`` does, without its format.

A disk in clusters, each of which is *absent* (what is below shows), *data* (kept in the file) or *zero*. The first
write to a cluster that is not data brings the rest of the cluster along, from the backing file or as zeroes: whoever
copies into such an image has to mind its clusters.

Where in the file a cluster lies is the node's own affair: at the place that it has on the disk, behind the header.
Nothing that was in the image before is seen, and nothing remains when the node is gone.

An image may allocate parts of clusters, *subclusters*, by themselves. Then these are what is said of clusters above.

Source: 041-G, 041-H, 041-I-large_cluster, 155, 274; C17 for clusters, BF-32 for subclusters.
"""

from __future__ import annotations

import errno as errno_numbers
from enum import Enum

from reference_impl.drivers.image_header import SUBCLUSTERS, ImageHeader
from reference_impl.edges import Edge
from reference_impl.graph import BlockIoError, BlockStatus, Graph, Node
from reference_impl.permissions import Access, of_backing, of_image_file
from reference_impl.qmp_errors import QmpError
from reference_impl.range_lock import RangeLock


class _Kind(Enum):
    ABSENT = "absent"
    DATA = "data"
    ZERO = "zero"


class OverlayNode(Node):
    """An image over a file, with or without a backing file.

    A mirror whose target names a backing file, but has none yet, must copy whole clusters (C17).
    """

    driver = "qcow2"
    supports_fua = False

    def __init__(
        self,
        graph: Graph,
        name: str,
        file: Node,
        *,
        read_only: bool = False,
        unmap: bool = False,
    ) -> None:
        """Make the node and its edge to the file; `open` must follow.

        :raise QmpError: when the permissions conflict.
        """
        super().__init__(graph, name, read_only=read_only, unmap=unmap)
        self._header = ImageHeader(0)
        self._size_bytes = 0
        self._cluster = 0
        self._kinds: dict[int, _Kind] = {}
        self._allocating = RangeLock(graph.scheduler, f"node '{name}'")
        graph.attach(self, "file", file)

    def open(self, header: ImageHeader, backing: Node | None) -> None:
        """Be what the header says, over a backing file or nothing.

        :raise QmpError: when the permissions conflict.
        """
        self._header = header
        self._size_bytes = header.size_bytes
        self._cluster = header.cluster_size_bytes // (SUBCLUSTERS if header.has_subclusters else 1)
        if backing is not None:
            self.graph.attach(self, "backing", backing)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    @property
    def backing_file(self) -> str:
        return self._header.backing_file

    @property
    def backing_format(self) -> str:
        """The format of the backing file, as the image says; empty when it does not."""
        return self._header.backing_format

    @property
    def cluster_size_bytes(self) -> int:
        return self._header.cluster_size_bytes

    @property
    def subcluster_size_bytes(self) -> int:
        return self._cluster

    @property
    def filename(self) -> str:
        return self.file.filename

    @property
    def writes_zeroes_with_unmap(self) -> bool:
        return self.unmap

    def change_backing_file(self, name: str, driver: str) -> None:
        self._header = self._header._replace(backing_file=name, backing_format=driver)

    @property
    def file(self) -> Node:
        """Where the data are."""
        return self.children["file"].node

    @property
    def backing(self) -> Node | None:
        """What shows through."""
        edge = self.children.get("backing")
        return None if edge is None else edge.node

    def child_access(self, edge: Edge, users: Access) -> Access:
        if edge.role == "backing":
            return of_backing(users)
        return of_image_file(users, writable=not self.read_only)

    def do_truncate(self, size_bytes: int) -> None:
        """Change the length. What is added reads as zeroes, whatever the backing file holds there (274-1)."""
        old, self._size_bytes = self._size_bytes, size_bytes
        if size_bytes < old:
            first = -(-size_bytes // self._cluster)
            self._kinds = {cluster: kind for cluster, kind in self._kinds.items() if cluster < first}
        elif self.backing is not None and self.backing.size_bytes > old:
            for cluster in range(-(-old // self._cluster), -(-size_bytes // self._cluster)):
                self._kinds[cluster] = _Kind.ZERO

    # Requests

    async def do_read(self, offset: int, length: int) -> bytes:
        parts = []
        end = offset + length
        while offset < end:
            kind, run = self._run(offset, end)
            if kind is _Kind.DATA:
                self.file.debug_event("read_aio")
                parts.append(await self.file.read(self._place(offset), run))
            else:
                parts.append(await self._read_below(offset, run) if kind is _Kind.ABSENT else bytes(run))
            offset += run
        return b"".join(parts)

    async def _read_below(self, offset: int, length: int) -> bytes:
        backing = self.backing
        if backing is None:
            return bytes(length)
        available = max(0, min(length, backing.size_bytes - offset))
        data = await backing.read(offset, available) if available else b""
        return data + bytes(length - len(data))

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        if not data:
            return
        start, stop = self._to_clusters(offset, offset + len(data))
        async with self._allocating.hold(start, stop):
            await self._write_locked(offset, data)

    async def _write_locked(self, offset: int, data: bytes) -> None:
        end = offset + len(data)
        position = offset
        while position < end:
            kind, run = self._run(position, end)
            piece = data[position - offset : position - offset + run]
            start, piece = (position, piece) if kind is _Kind.DATA else await self._whole_clusters(position, piece)
            self.file.debug_event("write_aio")
            self._make_room(self._place(start) + len(piece))
            await self.file.write(self._place(start), piece)
            for cluster in range(start // self._cluster, -(-(start + len(piece)) // self._cluster)):
                self._kinds[cluster] = _Kind.DATA
            position += run

    def _make_room(self, length: int) -> None:
        if length <= self.file.size_bytes:
            return
        if not self.file.grows:
            raise BlockIoError(errno_numbers.ENOSPC)
        try:
            self.file.truncate(length)
        except QmpError as error:
            raise BlockIoError(errno_numbers.ENOSPC) from error

    async def _whole_clusters(self, offset: int, data: bytes) -> tuple[int, bytes]:
        """Widen a write to whole clusters with what is read there now."""
        start, stop = self._to_clusters(offset, offset + len(data))
        end = offset + len(data)
        head = await self.do_read(start, offset - start) if offset > start else b""
        tail = await self.do_read(end, stop - end) if stop > end else b""
        return start, head + data + tail

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        end = offset + length
        first, last = self._inner_clusters(offset, end)
        if first >= last:
            await self.do_write(offset, bytes(length), fua)
            return
        if first > offset:
            await self.do_write(offset, bytes(first - offset), fua)
        async with self._allocating.hold(first, last):
            self._set_zero(first, last)
        if end > last:
            await self.do_write(last, bytes(end - last), fua)

    async def do_discard(self, offset: int, length: int) -> None:
        first, last = self._inner_clusters(offset, offset + length)
        if first < last:
            async with self._allocating.hold(first, last):
                self._set_zero(first, last)

    def _set_zero(self, first: int, last: int) -> None:
        for cluster in range(first // self._cluster, -(-last // self._cluster)):
            self._kinds[cluster] = _Kind.ZERO

    async def do_flush(self) -> None:
        await self.file.flush()

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        kind, run = self._run(offset, offset + length)
        if kind is _Kind.ABSENT:
            return BlockStatus(run, data=False, zero=self.backing is None, allocated=False)
        return BlockStatus(run, data=kind is _Kind.DATA, zero=kind is _Kind.ZERO, allocated=True)

    # Clusters

    def _run(self, offset: int, end: int) -> tuple[_Kind, int]:
        """The kind of the cluster at `offset`, and for how many bytes before `end` it is the same."""
        cluster = offset // self._cluster
        kind = self._kinds.get(cluster, _Kind.ABSENT)
        while (cluster + 1) * self._cluster < end and self._kinds.get(cluster + 1, _Kind.ABSENT) is kind:
            cluster += 1
        return kind, min((cluster + 1) * self._cluster, end) - offset

    def _place(self, offset: int) -> int:
        return self._header.cluster_size_bytes + offset

    def _to_clusters(self, start: int, end: int) -> tuple[int, int]:
        cluster = self._cluster
        return start // cluster * cluster, min(-(-end // cluster) * cluster, self._size_bytes)

    def _inner_clusters(self, start: int, end: int) -> tuple[int, int]:
        """The whole clusters within a range; the last one of the disk may be short."""
        cluster = self._cluster
        last = end if end == self._size_bytes else end // cluster * cluster
        return -(-start // cluster) * cluster, last
