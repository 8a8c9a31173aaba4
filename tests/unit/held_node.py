"""Nodes for tests of the graph that hold their requests and note what they were asked."""

from __future__ import annotations

from reference_impl.graph import BlockIoError, Graph, Node
from reference_impl.scheduler import Task


class HeldNode(Node):
    """A node of 4096 bytes whose every request waits until it is let go."""

    driver = "held"

    def __init__(self, graph: Graph, name: str, *, read_only: bool = False, unmap: bool = False) -> None:
        super().__init__(graph, name, read_only=read_only, unmap=unmap)
        self.log: list[str] = []
        self.waiting: list[Task] = []
        self.holds = False
        graph.add(self)

    @property
    def size_bytes(self) -> int:
        return 4096

    async def _request(self, text: str) -> None:
        self.log.append(text)
        if self.holds:
            scheduler = self.graph.scheduler
            self.waiting.append(scheduler.running)
            error = await scheduler.suspend(text)
            if error:
                raise BlockIoError(error)

    async def do_read(self, offset: int, length: int) -> bytes:
        await self._request(f"read {offset}+{length}")
        return bytes(length)

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        await self._request(f"write {offset}+{len(data)}{' fua' if fua else ''}")

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        await self._request(f"zero {offset}+{length}{' unmap' if may_unmap else ''}{' fua' if fua else ''}")

    async def do_discard(self, offset: int, length: int) -> None:
        await self._request(f"discard {offset}+{length}")

    async def do_flush(self) -> None:
        await self._request("flush")

    def let_go(self, error: int = 0) -> None:
        """Complete the request that has waited longest."""
        self.graph.scheduler.wake(self.waiting.pop(0), error)


class Passing(HeldNode):
    """A filter that cannot pass FUA on."""

    is_filter = True
    supports_fua = False
