"""The filter ``throttle`` and its groups: requests wait until a leaky bucket has room for them.

A bucket leaks as fast as the limit says. A request waits while the bucket holds more than a tenth of a second's worth,
and fills it by its size (or by one) when it goes. A *burst* makes the bucket larger: it holds as much as the burst
moves in its length, and a burst of more than a second has a bucket of its own, which leaks as fast as the burst may be.
Requests of one direction go in the order in which they came; all nodes of a group share its buckets. Drained nodes do
not wait: a drained section would have to wait for them.

Source: 151-5, 151-6, CM-1 (what throttled disks are needed for); sizes of buckets and texts are QEMU's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reference_impl.drivers.filter import FilterNode
from reference_impl.graph import Graph, Node
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Scheduler, Task

SECOND_NS = 1_000_000_000

DIRECTIONS = ("read", "write")


LIMIT_MAX = 10**15
"""What a limit can be at most: bytes or requests a second."""


class Bucket:
    """One limit: bytes or requests a second.

    :ivar rate: what leaks out in a second; 0 is no limit. :ivar level: what is in it.
    :ivar burst_rate: as much a second may go for a while; 0 is no burst. :ivar burst_seconds: for how long.
    """

    def __init__(self, rate: int, burst_rate: int = 0, burst_seconds: int = 1) -> None:
        self.rate = rate
        self.burst_rate = burst_rate
        self.burst_seconds = burst_seconds
        self.level = 0.0
        self.burst_level = 0.0
        self._leaked_until_ns = 0

    def check(self) -> None:
        """Refuse a limit that is none.

        :raise QmpError: saying what is wrong with it.
        """
        if not (0 <= self.rate <= LIMIT_MAX and 0 <= self.burst_rate <= LIMIT_MAX):
            raise QmpError(f"bps/iops/max values must be within [0, {LIMIT_MAX}]")
        if not self.burst_seconds:
            raise QmpError("the burst length cannot be 0")
        if self.burst_seconds > 1 and not self.burst_rate:
            raise QmpError("burst length set without burst rate")
        if self.burst_rate * self.burst_seconds > LIMIT_MAX:
            raise QmpError("burst length too high for this burst rate")
        if self.burst_rate and not self.rate:
            raise QmpError("bps_max/iops_max require corresponding bps/iops values")
        if self.burst_rate and self.burst_rate < self.rate:
            raise QmpError("bps_max/iops_max cannot be lower than bps/iops")

    def fill(self, amount: float) -> None:
        """Account for a request."""
        self.level += amount
        self.burst_level += amount

    def leak(self, now_ns: int) -> None:
        """Let out what leaked since the last time."""
        seconds = (now_ns - self._leaked_until_ns) / SECOND_NS
        self.level = max(0.0, self.level - self.rate * seconds)
        self.burst_level = max(0.0, self.burst_level - self.burst_rate * seconds)
        self._leaked_until_ns = now_ns

    def wait_ns(self) -> int:
        """How long the next request has to wait, in nanoseconds."""
        if not self.rate:
            return 0
        size = self.burst_rate * self.burst_seconds if self.burst_rate else self.rate / 10
        if self.level > size:
            return _time_ns(self.level - size, self.rate)
        if self.burst_seconds > 1 and self.burst_level > self.burst_rate / 10:
            return _time_ns(self.burst_level - self.burst_rate / 10, self.burst_rate)
        return 0


def _time_ns(amount: float, rate: int) -> int:
    """How long it takes until so much has leaked, rounded up."""
    return -int(-amount * SECOND_NS // rate)


class ThrottleGroup:
    """Limits that several nodes share.

    :ivar limits: by the names that QMP has for them, ``bps-total`` and so on; ``iops-size`` says how many bytes count
        as one request, where larger ones count as several.
    :ivar nodes_count: how many nodes use it.
    """

    def __init__(self, scheduler: Scheduler, name: str, limits: Mapping[str, Any]) -> None:
        """Make a group.

        :raise QmpError: when the limits contradict each other, or one is none.
        """
        self.name = name
        self.limits = dict(limits)
        self.nodes_count = 0
        self._scheduler = scheduler
        self._buckets = {
            (unit, direction): self._bucket(f"{unit}-{direction}")
            for unit in ("bps", "iops")
            for direction in ("total", *DIRECTIONS)
        }
        self._iops_size_bytes = self.limits.get("iops-size", 0)
        self._check()
        self._queues: dict[str, list[tuple[ThrottleNode, Task]]] = {direction: [] for direction in DIRECTIONS}

    def _bucket(self, name: str) -> Bucket:
        limits = self.limits
        return Bucket(limits.get(name, 0), limits.get(f"{name}-max", 0), limits.get(f"{name}-max-length", 1))

    def _check(self) -> None:
        for unit in ("bps", "iops"):
            total, *others = (self._buckets[unit, direction] for direction in ("total", *DIRECTIONS))
            if (total.rate and any(bucket.rate for bucket in others)) or (
                total.burst_rate and any(bucket.burst_rate for bucket in others)
            ):
                raise QmpError("bps/iops/max total values and read/write values cannot be used at the same time")
        if self._iops_size_bytes and not any(
            bucket.rate for (unit, _), bucket in self._buckets.items() if unit == "iops"
        ):
            raise QmpError("iops size requires an iops value to be set")
        for bucket in self._buckets.values():
            bucket.check()

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
                bucket.fill(length if unit == "bps" else self._count(length))
        if first and queue:
            self._wake(queue[0])

    def _count(self, length: int) -> float:
        """As how many requests one of so many bytes counts."""
        size = self._iops_size_bytes
        return length / size if size and length > size else 1

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
    reopenable_options = frozenset({"throttle-group"})

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
