"""The filter ``throttle`` and its groups: requests wait until a leaky bucket has room for them.

A bucket leaks as fast as the limit says. A request waits while the bucket holds more than a tenth of a second's worth,
and fills it by its size (or by one) when it goes. Requests of one direction go in the order in which they came; all
nodes of a group share its buckets. Drained nodes do not wait: a drained section would have to wait for them.

Source: 151-5, 151-6, CM-1 (what throttled disks are needed for); the burst of a tenth of a second is QEMU's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reference_impl.drivers.filter import FilterNode
from reference_impl.graph import Graph, Node
from reference_impl.scheduler import Scheduler, Task

SECOND_NS = 1_000_000_000

DIRECTIONS = ("read", "write")


class Bucket:
    """One limit: bytes or requests a second.

    :ivar rate: what leaks out in a second; 0 is no limit. :ivar level: what is in it.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.level = 0.0
        self._leaked_until_ns = 0

    def leak(self, now_ns: int) -> None:
        """Let out what leaked since the last time."""
        self.level = max(0.0, self.level - self.rate * (now_ns - self._leaked_until_ns) / SECOND_NS)
        self._leaked_until_ns = now_ns

    def wait_ns(self) -> int:
        """How long the next request has to wait, in nanoseconds."""
        if not self.rate:
            return 0
        excess = self.level - self.rate / 10
        return -int(-excess * SECOND_NS // self.rate) if excess > 0 else 0


class ThrottleGroup:
    """Limits that several nodes share.

    :ivar limits: by the names that QMP has for them, ``bps-total`` and so on.
    :ivar nodes_count: how many nodes use it.
    """

    def __init__(self, scheduler: Scheduler, name: str, limits: Mapping[str, Any]) -> None:
        self.name = name
        self.limits = dict(limits)
        self.nodes_count = 0
        self._scheduler = scheduler
        self._buckets = {
            (unit, direction): Bucket(self.limits.get(f"{unit}-{direction}", 0))
            for unit in ("bps", "iops")
            for direction in ("total", *DIRECTIONS)
        }
        self._queues: dict[str, list[tuple[ThrottleNode, Task]]] = {direction: [] for direction in DIRECTIONS}

    async def admit(self, node: ThrottleNode, direction: str, length: int) -> None:
        """Wait until the request may go, and account for it."""
        queue = self._queues[direction]
        entry = (node, self._scheduler.running)
        queue.append(entry)
        while not node.quiesce_count and (queue[0] is not entry or self._wait_ns(direction)):
            if queue[0] is entry:
                self._scheduler.timer(
                    self._wait_ns(direction), f"throttle group '{self.name}'", lambda: self._wake(entry)
                )
            await self._scheduler.suspend(f"throttle group '{self.name}' to let it {direction}")
        first = queue[0] is entry
        queue.remove(entry)
        for (unit, of), bucket in self._buckets.items():
            if of in ("total", direction):
                bucket.level += length if unit == "bps" else 1
        if first and queue:
            self._wake(queue[0])

    def _wait_ns(self, direction: str) -> int:
        longest = 0
        for (_, of), bucket in self._buckets.items():
            if of in ("total", direction):
                bucket.leak(self._scheduler.now_ns)
                longest = max(longest, bucket.wait_ns())
        return longest

    def _wake(self, entry: tuple[ThrottleNode, Task]) -> None:
        if any(entry is waiting for queue in self._queues.values() for waiting in queue):
            self._scheduler.wake(entry[1])

    def release(self, node: ThrottleNode) -> None:
        """Let all requests of a node go."""
        for queue in self._queues.values():
            for entry in [entry for entry in queue if entry[0] is node]:
                self._wake(entry)


class ThrottleNode(FilterNode):
    """A node whose requests wait for a throttle group."""

    driver = "throttle"

    def __init__(
        self,
        graph: Graph,
        name: str,
        child: Node,
        group: ThrottleGroup,
        *,
        read_only: bool = False,
        unmap: bool = False,
    ) -> None:
        super().__init__(graph, name, child, read_only=read_only, unmap=unmap)
        self.group = group

    async def do_read(self, offset: int, length: int) -> bytes:
        await self.group.admit(self, "read", length)
        return await self.child.read(offset, length)

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        await self.group.admit(self, "write", len(data))
        await self.child.write(offset, data, fua=fua)

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        await self.group.admit(self, "write", length)
        await self.child.write_zeroes(offset, length, may_unmap=may_unmap, fua=fua)

    async def do_discard(self, offset: int, length: int) -> None:
        await self.group.admit(self, "write", length)
        await self.child.discard(offset, length)

    def quiesce(self) -> None:
        super().quiesce()
        self.group.release(self)
