"""A decision: something that the explorer can let happen next, and how it is called.

What it is called does not depend on when it is offered: ``guest writer: source write 4k+4k of 0xa1`` names who waits
(a guest's request, a command, the job or one of its copies) and what will happen. So a schedule survives changes that
only shift things.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from harness.storage import Operation, StorageRequest
from harness.units import format_bytes

JOB = "job"
"""The actor of everything that a job does on its own."""

Everything = None
"""The footprint of a decision after which anything may be different."""


class Footprint(NamedTuple):
    """The bytes of which pair of disks a decision has to do with.

    :ivar pair: the source's name. :ivar start, end: bytes, rounded to granules.
    """

    pair: str
    start: int
    end: int


class Decision:
    """Something that can happen next.

    :ivar actor: who goes on: the name of an action, or ``job``.
    :ivar label: how schedules name it.
    :ivar serial: the number of the request that it is about, the same for its completion and its failure; else -1.
    :ivar takes_time: a timer that is not due yet: nothing else has to happen for it to fire, but time has to pass.
    :ivar is_fault: a request fails.
    :ivar footprint: what it has to do with; None is everything.
    """

    __slots__ = ("actor", "footprint", "is_fault", "label", "number", "request", "serial", "takes_time")

    def __init__(
        self,
        actor: str,
        label: str,
        footprint: Footprint | None = Everything,
        *,
        request: StorageRequest | None = None,
        number: int = -1,
        serial: int = -1,
        takes_time: bool = False,
        is_fault: bool = False,
    ) -> None:
        self.actor = actor
        self.label = label
        self.footprint = footprint
        self.request = request
        self.number = number
        self.serial = serial
        self.takes_time = takes_time
        self.is_fault = is_fault

    def without_request(self) -> Decision:
        """The same for somebody who only chooses: it keeps no run alive."""
        return Decision(
            self.actor,
            self.label,
            self.footprint,
            number=self.number,
            serial=self.serial,
            takes_time=self.takes_time,
            is_fault=self.is_fault,
        )

    def __repr__(self) -> str:
        return f"<{self.label}>"


class Offered(list[Decision]):
    """What is offered in a state that is remembered: a strategy may note what it has found out about it.

    :ivar costs: by who went last, what `harness.explore.strategies.default_and_others` says of it.
    """

    __slots__ = ("costs",)

    def __init__(self, decisions: Iterable[Decision] = ()) -> None:
        super().__init__(decisions)
        self.costs: dict[str, tuple[int, list[tuple[int, int]]]] = {}


def independent(one: Footprint | None, other: Footprint | None) -> bool:
    """Whether two decisions lead to the same state in either order: they have nothing to do with each other."""
    if one is None or other is None:
        return False
    return one.pair != other.pair or one.end <= other.start or other.end <= one.start


def describe_request(request: StorageRequest) -> str:
    """A held request as schedules name it: ``source write 0+4k of 0xa1``."""
    text = f"{request.storage.name} {request.operation.value}"
    if request.operation is Operation.FLUSH:
        return text
    text += f" {format_bytes(request.offset)}+{format_bytes(request.length)}"
    if request.data:
        text += f" of 0x{request.data[0]:02x}"
    return text
