"""What can go wrong with one request of one disk, and under which policy."""

from __future__ import annotations

import enum
import errno as errno_numbers
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.storage import Operation


class Error(enum.StrEnum):
    """How the request goes wrong."""

    EIO = "EIO"
    ENOSPC = "ENOSPC"
    NO_ANSWER = "no answer"

    @property
    def errno(self) -> int:
        """What an interceptor returns for it: the errno, 0 to hold the request."""
        return 0 if self is Error.NO_ANSWER else int(getattr(errno_numbers, self.value))


class Ending(enum.StrEnum):
    """What is done once a run has come as far as it can with the fault in it."""

    HEAL = "heal"
    CANCEL = "cancel"


POLICIES = ("report", "ignore", "stop", "enospc")

_FAULT = re.compile(
    rf"(source|target)-({'|'.join(Operation)})-([0-9]+):(EIO|ENOSPC|no-answer):(once|from-then-on)"
    rf":({'|'.join(POLICIES)}):({'|'.join(Ending)})",
    re.ASCII,
)


class Position(NamedTuple):
    """One request of the run without a fault.

    :ivar role: ``source`` or ``target``. :ivar index: 0-based, among the requests of this operation and disk.
    """

    role: str
    operation: Operation
    number: int


class Fault(NamedTuple):
    """A fault, the policy that the job was given for both disks, and what is done afterwards.

    :ivar persistent: whether all later requests of this operation and disk go wrong too.
    """

    position: Position
    persistent: bool
    error: Error
    policy: str
    ending: Ending

    @property
    def action(self) -> str:
        """What a job does that meets it: ``report``, ``ignore`` or ``stop`` (QE-10 to QE-14)."""
        if self.policy == "enospc":
            return "stop" if self.error is Error.ENOSPC else "report"
        return self.policy

    def describe(self) -> str:
        """As a user names it: ``target-write-12:EIO:once:report:heal``, which `parse` reads."""
        where = f"{self.position.role}-{self.position.operation}-{self.position.number}"
        error = self.error.replace(" ", "-")
        return f"{where}:{error}:{'from-then-on' if self.persistent else 'once'}:{self.policy}:{self.ending}"


def parse(text: str) -> Fault:
    """Read what `Fault.describe` writes.

    :raise ValueError: when it is anything else.
    """
    match = _FAULT.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no fault: it reads like target-write-12:EIO:once:stop:heal")
    role, operation, number, error, how, policy, ending = match.groups()
    position = Position(role, Operation(operation), int(number))
    return Fault(position, how == "from-then-on", Error(error.replace("-", " ")), policy, Ending(ending))


def faults_at(positions: Sequence[Position], endings: Sequence[Ending] = tuple(Ending)) -> Iterator[Fault]:
    """Every fault at every position, under every policy, with each of the endings."""
    for position in positions:
        for persistent in (False, True):
            for error in Error:
                for policy in POLICIES:
                    for ending in endings:
                        yield Fault(position, persistent, error, policy, ending)


def middle_of_each(positions: Sequence[Position]) -> list[Position]:
    """Of each operation of each disk the request in the middle: the smallest sample that has every kind of fault."""
    kinds = sorted({position[:2] for position in positions})
    groups = ([position for position in positions if position[:2] == kind] for kind in kinds)
    return [sorted(group)[len(group) // 2] for group in groups]
