"""The quorum: votes, reports, and what its children may be exchanged for."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

import graph_requests
import pytest

from reference_impl.backend import Backend
from reference_impl.drivers.quorum import QuorumNode
from reference_impl.graph import BlockIoError, BlockStatus, Graph, Node
from reference_impl.permissions import CONSISTENT_READ, WRITE_UNCHANGED
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Scheduler

SIZE = 4096


class Child(Node):
    """A disk of bytes that are all alike, or that fails, at once."""

    driver = "child"

    def __init__(self, graph: Graph, name: str, fill: int = 0, size_bytes: int = SIZE) -> None:
        super().__init__(graph, name)
        self.fill = fill
        self.failure = 0
        self.zero_bytes = 0
        self._size_bytes = size_bytes
        graph.add(self)

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def _act(self) -> None:
        if self.failure:
            raise BlockIoError(self.failure)

    async def do_read(self, offset: int, length: int) -> bytes:
        self._act()
        return bytes([self.fill]) * length

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        self._act()

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        self._act()

    async def do_flush(self) -> None:
        self._act()

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        if offset < self.zero_bytes:
            return BlockStatus(min(length, self.zero_bytes - offset), data=False, zero=True, allocated=True)
        return BlockStatus(length, data=True, zero=False, allocated=True)


class Quorum:
    """Three children, of which two must agree.

    :ivar events: what was sent.
    """

    def __init__(self, *fills: int, threshold: int = 2) -> None:
        self.graph = Graph(Scheduler())
        self.events: list[tuple[str, Any]] = []
        self.children = [Child(self.graph, f"img{number}", fill) for number, fill in enumerate(fills)]
        self.node = QuorumNode(self.graph, "quorum", self.children, threshold, self._emit)
        self.graph.add(self.node)

    def _emit(self, name: str, data: Mapping[str, Any]) -> None:
        self.events.append((name, dict(data)))

    def run(self, coroutine: Any) -> Any:
        """Run a request, and return or raise what comes of it."""
        return graph_requests.run(self.graph, coroutine)


def test_read_returns_what_the_majority_holds_and_reports_the_rest() -> None:
    quorum = Quorum(0x11, 0x22, 0x11)
    assert quorum.run(quorum.node.read(512, 1024)) == b"\x11" * 1024
    report = {"type": "read", "node-name": "img1", "sector-num": 1, "sectors-count": 2}
    assert quorum.events == [("QUORUM_REPORT_BAD", report)]


def test_read_without_a_majority_fails() -> None:
    quorum = Quorum(0x11, 0x22, 0x33)
    with pytest.raises(BlockIoError) as caught:
        quorum.run(quorum.node.read(0, SIZE))
    assert caught.value.errno == errno.EIO
    assert quorum.events == [("QUORUM_FAILURE", {"reference": "quorum", "sector-num": 0, "sectors-count": 8})]


@pytest.mark.parametrize("kind", ["write", "zero", "flush"])
def test_request_that_too_many_children_fail_fails_with_the_commonest_error(kind: str) -> None:
    quorum = Quorum(0, 0, 0)

    def ask() -> Any:
        match kind:
            case "write":
                return quorum.node.write(0, bytes(512))
            case "zero":
                return quorum.node.write_zeroes(0, 512)
        return quorum.node.flush()

    quorum.children[1].failure = errno.ENOSPC
    quorum.run(ask())
    assert [(name, data["node-name"], data["error"]) for name, data in quorum.events] == [
        ("QUORUM_REPORT_BAD", "img1", "No space left on device")
    ]
    quorum.children[2].failure = errno.ENOSPC
    with pytest.raises(BlockIoError) as caught:
        quorum.run(ask())
    assert caught.value.errno == errno.ENOSPC
    assert [name for name, _ in quorum.events] == ["QUORUM_REPORT_BAD"] * 3 + ["QUORUM_FAILURE"]


def test_zero_is_only_what_all_children_have_as_zero() -> None:
    quorum = Quorum(0, 0, 0)
    for child, zero_bytes in zip(quorum.children, (2048, 1024, 4096), strict=True):
        child.zero_bytes = zero_bytes
    assert quorum.run(quorum.node.block_status(0, SIZE)) == BlockStatus(1024, False, True, True)
    assert quorum.run(quorum.node.block_status(1024, 3072)).data


def test_child_may_be_replaced_unless_somebody_else_looks() -> None:
    quorum = Quorum(0, 0, 0)
    child, other = quorum.children[1], Child(quorum.graph, "other")
    assert quorum.graph.can_replace(quorum.node, child)
    assert not quorum.graph.can_replace(quorum.node, other)
    reader = Backend(quorum.graph, child, "reader", writable=False)
    assert not quorum.graph.can_replace(quorum.node, child)
    reader.close()
    assert quorum.graph.can_replace(quorum.node, child)


def test_children_may_be_written_by_nobody_else() -> None:
    quorum = Quorum(0, 0)
    Backend(quorum.graph, quorum.node, "guest")
    assert {edge.access.shared for edge in quorum.node.children.values()} == {CONSISTENT_READ | WRITE_UNCHANGED}


@pytest.mark.parametrize(
    ("sizes", "threshold", "message"),
    [
        ([], 1, "Number of provided children must be 1 or more"),
        ([SIZE], 0, "Parameter 'vote-threshold' expects a value >= 1"),
        ([SIZE, SIZE], 3, "threshold may not exceed children count"),
        ([SIZE, 512], 1, "Could not refresh total sector count: Input/output error"),
    ],
)
def test_quorum_that_cannot_be_is_refused(sizes: list[int], threshold: int, message: str) -> None:
    graph = Graph(Scheduler())
    children = [Child(graph, f"img{number}", size_bytes=size) for number, size in enumerate(sizes)]
    with pytest.raises(QmpError) as caught:
        QuorumNode(graph, "quorum", children, threshold, lambda name, data: None)
    assert caught.value.description == message
    assert not any(child.parents for child in children)
