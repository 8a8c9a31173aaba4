"""What the oracle says when a rule is broken."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from harness.errors import Disagreement


class Rule(enum.StrEnum):
    """The rules, by the names under which they are reported; docs/oracle.md tells each at length."""

    GUEST_DISK = "guest-disk-lawful"
    ACKNOWLEDGED = "acknowledged-on-target"
    SAME_WINNER = "same-winner"
    DIRTY = "differs-but-clean"
    FOREIGN = "foreign-data"
    READ = "read-lawful"
    DURABLE = "durable-after-flush"
    FLUSHED_READY = "flushed-at-ready"
    FLUSHED_END = "flushed-at-end"
    LATE = "late-within-buffer"
    READ_TAKEN = "read-is-on-target"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule.

    :ivar sector: number of the 512-byte sector. :ivar offset: the byte in it that shows the fault.
    :ivar source_value, target_value: what the two disks hold there, the byte's value and whose it is.
    :ivar raced: the changes that could lawfully be there, as they are described.
    :ivar occasion: what had just happened.
    """

    rule: Rule
    sector: int
    offset: int
    source_value: str
    target_value: str
    raced: tuple[str, ...]
    occasion: str
    detail: str = ""

    def __str__(self) -> str:
        text = (
            f"{self.rule}: sector {self.sector} (byte {self.offset}): source holds {self.source_value}, "
            f"target holds {self.target_value}; lawful: {', '.join(self.raced) or 'nothing'}; after {self.occasion}"
        )
        return f"{text}; {self.detail}" if self.detail else text


class OracleViolation(Disagreement):
    """A rule is broken.

    :ivar violations: all that were found, the first first.
    """

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__(f"the oracle: {violations[0]}")
        self.violations = violations
