"""What can be wrong with a schedule, by name."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field


class FailureKind(enum.StrEnum):
    """What went wrong."""

    CRASH = "crash"
    DEADLOCK = "deadlock"
    LOST_WAKE_UP = "lost wake-up"
    HANG = "hang"
    LIVELOCK = "livelock"
    NONDETERMINISM = "nondeterminism"
    DISKS_DIFFER = "disks differ"
    DIRT_LOST = "dirt lost"
    WRONG_DATA = "wrong data"
    WRONG_EVENT = "wrong event"
    INVARIANT = "invariant broken"
    OUTCOME_DIFFERS = "outcome differs"


@dataclass(slots=True, eq=False)
class Failure(Exception):
    """A schedule on which something is wrong.

    :ivar text: one line with the values. :ivar waits: for a hang, what each coroutine waits for.
    """

    kind: FailureKind
    text: str
    waits: Sequence[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"
