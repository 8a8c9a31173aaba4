"""What came of a sweep, as a table: a line for each kind of fault, a column for each policy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from harness.faults.fault import POLICIES, Fault
from harness.faults.trial import Outcome


class Table:
    """Counts outcomes as they come.

    :ivar runs_count: how many there were. :ivar violations: the faults after which something was wrong, with what.
    """

    def __init__(self) -> None:
        self.runs_count = 0
        self.violations: list[tuple[Fault, str]] = []
        self._cells: defaultdict[tuple[str, str, bool, str], Counter[str]] = defaultdict(Counter)
        self._requests: defaultdict[tuple[str, str], set[int]] = defaultdict(set)

    def add(self, fault: Fault, outcome: Outcome) -> None:
        """Count one run."""
        self.runs_count += 1
        position = fault.position
        where = f"{position.role} {position.operation}"
        self._requests[position.role, position.operation].add(position.number)
        self._cells[where, fault.error, fault.persistent, fault.policy][outcome.effect] += 1
        self.violations += [(fault, problem) for problem in outcome.problems]

    def lines(self, *, with_counts: bool = True) -> list[str]:
        """The table, without its heading.

        :param with_counts: whether to say how many runs had an effect, which depends on the number of requests that an
            implementation makes; without, only which effects there were.
        """
        rows = [["fault", *POLICIES]]
        keys = sorted({key[:3] for key in self._cells})
        for where, error, persistent in keys:
            label = f"{where}, {error}{' from then on' if persistent and error != 'no answer' else ''}"
            if error == "no answer" and persistent:
                label = f"{where}, no answers from then on"
            cells = [self._cells[where, error, persistent, policy] for policy in POLICIES]
            rows.append([label, *(_cell(cell, with_counts) for cell in cells)])
        return _aligned(rows)


def _cell(effects: Counter[str], with_counts: bool) -> str:
    parts = [f"{count} {effect}" if with_counts else effect for effect, count in sorted(effects.items())]
    return ", ".join(parts) or "-"


def _aligned(rows: Iterable[list[str]]) -> list[str]:
    rows = list(rows)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
