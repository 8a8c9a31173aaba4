"""The quorum: several disks that should hold the same, of which a majority decides what a reader sees.

Every request goes to all children at once. A read returns what enough of them agree on; a write or flush succeeds if it
does on enough of them. Whoever fails or disagrees is reported, and nothing is mended: for that a copy of the quorum
takes a child's place (041-N), which is safe because readers of the quorum cannot tell.

Source: 041-N, 312; the texts and events are those of QEMU 7.2 and 11.1.
"""

from __future__ import annotations

import errno as errno_numbers
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from reference_impl.dirty_bitmap import SECTOR_BYTES
from reference_impl.edges import Edge
from reference_impl.graph import BlockIoError, BlockStatus, Graph, Node
from reference_impl.permissions import CONSISTENT_READ, WRITE_UNCHANGED, Access
from reference_impl.qmp_errors import QmpError, parameter_expects
from reference_impl.scheduler import WaitQueue

Emit = Callable[[str, Mapping[str, Any]], None]


class _Outcome(NamedTuple):
    """What came of a request on one child: an errno, 0 when it succeeded, and what it returned."""

    node: Node
    errno: int
    result: Any


class QuorumNode(Node):
    """A node over several children of one length.

    :param threshold: how many of them must agree. :param emit: sends an event.
    """

    driver = "quorum"

    def __init__(
        self,
        graph: Graph,
        name: str,
        children: Sequence[Node],
        threshold: int,
        emit: Emit,
        *,
        read_only: bool = False,
        unmap: bool = False,
    ) -> None:
        """Make the node and its edges.

        :raise QmpError: when there are too few children, they differ in length, or the permissions conflict.
        """
        super().__init__(graph, name, read_only=read_only, unmap=unmap)
        if not children:
            raise QmpError("Number of provided children must be 1 or more")
        if threshold < 1:
            raise parameter_expects("vote-threshold", "a value >= 1")
        if threshold > len(children):
            raise QmpError("threshold may not exceed children count")
        if len({child.size_bytes for child in children}) > 1:
            raise QmpError("Could not refresh total sector count: Input/output error")
        self._threshold = threshold
        self._emit = emit
        with graph.transaction():
            for number, child in enumerate(children):
                graph.attach(self, f"children.{number}", child)

    @property
    def _nodes(self) -> list[Node]:
        return [edge.node for edge in self.children.values()]

    @property
    def size_bytes(self) -> int:
        return self._nodes[0].size_bytes

    def child_access(self, edge: Edge, users: Access) -> Access:
        # If others wrote the children, these would come to differ.
        return Access(users.needed, users.shared & (CONSISTENT_READ | WRITE_UNCHANGED))

    def may_replace_child(self, child: Node) -> bool:
        # A copy of the quorum may hold other data than the child did: nobody else must be looking.
        return child in self._nodes and len(child.parents) == 1

    # Requests

    async def _ask_all(self, ask: Callable[[Node], Awaitable[Any]], what: str) -> list[_Outcome]:
        """Send a request to all children at once, and wait for all of them."""
        scheduler = self.graph.scheduler
        done = WaitQueue(scheduler)
        outcomes: dict[Node, _Outcome] = {}

        async def ask_one(node: Node) -> None:
            try:
                outcomes[node] = _Outcome(node, 0, await ask(node))
            except BlockIoError as error:
                outcomes[node] = _Outcome(node, error.errno, None)
            done.wake_all()

        nodes = self._nodes
        for node in nodes:
            scheduler.start(ask_one(node), f"quorum '{self.name}': {what} of '{node.name}'")
        while len(outcomes) < len(nodes):
            await done.wait(f"{what} of all children of quorum '{self.name}'")
        return [outcomes[node] for node in nodes]

    def _check(self, outcomes: Sequence[_Outcome], kind: str, offset: int, length: int) -> list[_Outcome]:
        """Report the children that failed; return the others if they are enough.

        :raise BlockIoError: with the commonest errno, when they are not.
        """
        good = [outcome for outcome in outcomes if not outcome.errno]
        for bad in outcomes:
            if bad.errno:
                self._report(bad.node, kind, offset, length, error=str(BlockIoError(bad.errno)))
        if len(good) < self._threshold:
            self._report_failure(offset, length)
            raise BlockIoError(Counter(bad.errno for bad in outcomes if bad.errno).most_common(1)[0][0])
        return good

    def _report(self, node: Node, kind: str, offset: int, length: int, **more: str) -> None:
        self._emit("QUORUM_REPORT_BAD", {"type": kind, "node-name": node.name, **more, **_sectors(offset, length)})

    def _report_failure(self, offset: int, length: int) -> None:
        self._emit("QUORUM_FAILURE", {"reference": self.name, **_sectors(offset, length)})

    async def do_read(self, offset: int, length: int) -> bytes:
        outcomes = await self._ask_all(lambda node: node.read(offset, length), f"read {offset}+{length}")
        good = self._check(outcomes, "read", offset, length)
        winner, votes = Counter(outcome.result for outcome in good).most_common(1)[0]
        if votes < self._threshold:
            self._report_failure(offset, length)
            raise BlockIoError(errno_numbers.EIO)
        for outcome in good:
            if outcome.result != winner:
                self._report(outcome.node, "read", offset, length)
        return bytes(winner)

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        length = len(data)
        outcomes = await self._ask_all(lambda node: node.write(offset, data, fua=fua), f"write {offset}+{length}")
        self._check(outcomes, "write", offset, length)

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        def ask(node: Node) -> Awaitable[None]:
            return node.write_zeroes(offset, length, may_unmap=may_unmap, fua=fua)

        self._check(await self._ask_all(ask, f"zero {offset}+{length}"), "write", offset, length)

    async def do_discard(self, offset: int, length: int) -> None:
        """Do nothing: children that discard would have to agree on what is there then."""

    async def do_flush(self) -> None:
        self._check(await self._ask_all(lambda node: node.flush(), "flush"), "flush", 0, 0)

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        """Zero only as far as all children are; beyond that, data (312)."""
        zeroes, others = length, 0
        for node in self._nodes:
            status = await node.block_status(offset, length)
            if status.zero:
                zeroes = min(zeroes, status.length_bytes)
            else:
                others = max(others, status.length_bytes)
        if others:
            return BlockStatus(others, data=True, zero=False, allocated=True)
        return BlockStatus(zeroes, data=False, zero=True, allocated=True)


def _sectors(offset: int, length: int) -> dict[str, int]:
    first = offset // SECTOR_BYTES
    return {"sector-num": first, "sectors-count": -(-(offset + length) // SECTOR_BYTES) - first}
