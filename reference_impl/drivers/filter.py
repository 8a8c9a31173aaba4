"""What all filters have in common: they show what their child shows, and pass on what they are asked."""

from __future__ import annotations

from reference_impl.graph import BlockStatus, Graph, Node


class FilterNode(Node):
    """A filter; drivers override what they want to have a hand in.

    :param child: the node below. :ivar child_role: ``file`` or ``image``, as the driver calls it.
    """

    is_filter = True
    child_role = "file"

    def __init__(self, graph: Graph, name: str, child: Node, *, read_only: bool = False, unmap: bool = False) -> None:
        """Make the filter.

        :raise QmpError: when the permissions conflict.
        """
        super().__init__(graph, name, read_only=read_only, unmap=unmap)
        graph.attach(self, self.child_role, child)

    @property
    def child(self) -> Node:
        """The node below."""
        return self.children[self.child_role].node

    @property
    def filename(self) -> str:
        return self.child.filename

    @property
    def size_bytes(self) -> int:
        return self.child.size_bytes

    @property
    def cluster_size_bytes(self) -> int:
        return self.child.cluster_size_bytes

    @property
    def subcluster_size_bytes(self) -> int:
        return self.child.subcluster_size_bytes

    @property
    def writes_zeroes_with_unmap(self) -> bool:
        return self.unmap and self.child.writes_zeroes_with_unmap

    async def do_read(self, offset: int, length: int) -> bytes:
        return await self.child.read(offset, length)

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        await self.child.write(offset, data, fua=fua)

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        await self.child.write_zeroes(offset, length, may_unmap=may_unmap, fua=fua)

    async def do_discard(self, offset: int, length: int) -> None:
        await self.child.discard(offset, length)

    async def do_flush(self) -> None:
        await self.child.flush()

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        return await self.child.block_status(offset, length)

    def do_truncate(self, size_bytes: int) -> None:
        self.child.truncate(size_bytes)
