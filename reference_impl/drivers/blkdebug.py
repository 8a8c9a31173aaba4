"""The filter ``blkdebug``: a small state machine that fails requests, and may need or refuse permissions.

Requests raise *events*. An image format or ``raw`` right above raises ``read_aio`` and ``write_aio`` when it reads or
writes, and any node above ``flush_to_os``, and ``flush_to_disk`` if it has been written since its last flush. This node
itself raises ``pwritev`` and ``pwritev_zero`` for its own requests. Filters other than ``raw`` pass no events on.

The rules that an event has in the present state (state 0 is any) take the place of those that were active; then
requests of their kinds fail, once or until other rules become active. The rules of ``none`` are active at first. A
flush fails only if something was written since the last one, and never by a rule for a sector. A ``set-state`` rule
changes the state, which is 1 at first; of several for one event the first counts.

Source: 041-I, 041-J, 229-1, MRCE-1 (what the rules are needed for); 041-O-failing_permission_in_complete (permissions);
what the rules do in detail is what QEMU 7.2 to 11.1 do.
"""

from __future__ import annotations

import errno as errno_numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reference_impl.drivers.filter import FilterNode
from reference_impl.edges import Edge
from reference_impl.graph import BlockIoError, BlockStatus, Graph, Node
from reference_impl.permissions import Access

SECTOR_BYTES = 512

IO_TYPES = ("read", "write", "write-zeroes", "discard", "flush")
"""What a rule is for that names no kind; ``block-status`` has to be named."""


@dataclass(slots=True)
class ErrorRule:
    """Which requests to fail, from which event on.

    :ivar sector: where the request must begin or pass; None is anywhere. :ivar errno: 0 to let it pass all the same.
    :ivar immediately: whether it fails at once, and not in the next turn of the main loop.
    """

    event: str
    state: int = 0
    io_types: tuple[str, ...] = IO_TYPES
    errno: int = errno_numbers.EIO
    sector: int | None = None
    once: bool = False
    immediately: bool = False

    def matches(self, io_type: str, offset: int, length: int) -> bool:
        """Whether a request is to fail by this rule."""
        if io_type not in self.io_types:
            return False
        if self.sector is None:
            return True
        return offset <= self.sector * SECTOR_BYTES < offset + length


@dataclass(frozen=True, slots=True)
class StateRule:
    """Which event leads from which state to which."""

    event: str
    new_state: int
    state: int = 0


@dataclass(slots=True)
class Rules:
    """All rules, and which of them are active."""

    errors: list[ErrorRule] = field(default_factory=list)
    states: list[StateRule] = field(default_factory=list)
    state: int = 1
    active: list[ErrorRule] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.active = [rule for rule in self.errors if rule.event == "none"]

    def raise_event(self, event: str) -> None:
        """Follow an event: first what it makes active, then where it leads."""
        found = [rule for rule in self.errors if rule.event == event and rule.state in (0, self.state)]
        if found:
            self.active = found
        for transition in self.states:
            if transition.event == event and transition.state in (0, self.state):
                self.state = transition.new_state
                break

    def rule_for(self, io_type: str, offset: int, length: int) -> ErrorRule | None:
        """By which rule a request is to fail; None if by none."""
        for rule in self.active:
            if rule.matches(io_type, offset, length):
                if rule.errno and rule.once:
                    self.active.remove(rule)
                    self.errors.remove(rule)
                return rule if rule.errno else None
        return None


class BlkdebugNode(FilterNode):
    """A node that fails requests by rule.

    :param needs: permissions needed beside those of its users. :param refuses: permissions never shared.
    """

    driver = "blkdebug"
    is_protocol = True
    child_role = "image"

    def __init__(
        self,
        graph: Graph,
        name: str,
        child: Node,
        rules: Rules,
        *,
        needs: int = 0,
        refuses: int = 0,
        read_only: bool = False,
        unmap: bool = False,
    ) -> None:
        self.rules = rules
        self.needs = needs
        self.refuses = refuses
        super().__init__(graph, name, child, read_only=read_only, unmap=unmap)

    def child_access(self, edge: Edge, users: Access) -> Access:
        return Access(users.needed | self.needs, users.shared & ~self.refuses)

    def debug_event(self, event: str) -> None:
        self.rules.raise_event(event)

    async def _check(self, io_type: str, offset: int, length: int) -> None:
        rule = self.rules.rule_for(io_type, offset, length)
        if rule is not None:
            if not rule.immediately:
                await self.graph.scheduler.yield_to_main_loop(f"node '{self.name}' to fail a request")
            raise BlockIoError(rule.errno)

    async def do_read(self, offset: int, length: int) -> bytes:
        await self._check("read", offset, length)
        return await self.child.read(offset, length)

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        self.rules.raise_event("pwritev")
        await self._check("write", offset, len(data))
        await self.child.write(offset, data, fua=fua)

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        self.rules.raise_event("pwritev_zero")
        await self._check("write-zeroes", offset, length)
        await self.child.write_zeroes(offset, length, may_unmap=may_unmap, fua=fua)

    async def do_discard(self, offset: int, length: int) -> None:
        await self._check("discard", offset, length)
        await self.child.discard(offset, length)

    async def do_flush(self) -> None:
        if self.needs_flush:
            await self._check("flush", 0, 0)
        await self.child.flush()

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        await self._check("block-status", offset, length)
        return await self.child.block_status(offset, length)


def rules_of_options(options: Mapping[str, Any]) -> Rules:
    """Rules as `blockdev-add` gives them."""
    errors: Sequence[Mapping[str, Any]] = options.get("inject-error", ())
    states: Sequence[Mapping[str, Any]] = options.get("set-state", ())
    return Rules(
        [
            ErrorRule(
                error["event"],
                error.get("state", 0),
                (error["iotype"],) if "iotype" in error else IO_TYPES,
                error.get("errno", errno_numbers.EIO),
                error.get("sector"),
                error.get("once", False),
                error.get("immediately", False),
            )
            for error in errors
        ],
        [StateRule(state["event"], state["new_state"], state.get("state", 0)) for state in states],
    )
