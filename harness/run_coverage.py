"""What a run reaches, and what it never showed: for the terminal, the page, and `--json`.

A run is complete on an implementation when its transcripts show every transition, cell of the table of verbs, event and
error text that a program with its features can show, and when a case that passed stands for every row that the
reference can test, where a mutant or a reason does not. A row whose cases were all skipped, for want of a feature, is
out of the implementation's reach, and so is what only goldens of such cases show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from harness import coverage, refusals, rows
from harness.coverage import Coverage as Seen
from harness.job_table import EVENTS
from harness.records import Record, Verdict
from harness.report import PASSING
from harness.rows import Row
from harness.stored_runs import Coverage
from harness.suite import Suite

REQUIRED_PLACES = ("R", "RG")
"""Where a row can be tested that must have something that stands for it."""


class Expectation(NamedTuple):
    """What the cases of a suite are there to show.

    :ivar sources: case to what it names in `Source:`. :ivar shown: case to what its goldens show, by name.
    :ivar standing: rows for which a mutant or a reason stands.
    """

    sources: Mapping[str, Sequence[str]]
    shown: Mapping[str, Set[str]] = {}
    standing: frozenset[str] = frozenset()


def expectation(suite: Suite, mutant_rows: Mapping[str, Iterable[str]]) -> Expectation:
    """What the cases of a suite are there to show.

    :param mutant_rows: mutant to the rows of its bug.
    """
    shown: dict[str, set[str]] = {}
    for path in suite.goldens.folder.glob("*.out"):
        found = coverage.of_transcripts([path.read_text(encoding="utf-8")])
        shown.setdefault(path.name.partition(".")[0], set()).update(found.lines())
    reasons = {row.id for row in rows.load().values() if row.reason}
    return Expectation(
        sources={case.id: case.sources for case in suite.cases()},
        shown=shown,
        standing=frozenset(rows.planted(mutant_rows)) | reasons,
    )


@dataclass
class RunCoverage:
    """What one implementation showed in one run.

    :ivar features: what the implementation offers.
    :ivar passed, skipped, failed: cases.
    """

    implementation: str
    expected: Expectation
    seen: Seen = field(default_factory=Seen)
    features: frozenset[str] = frozenset()
    passed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)

    def add(self, record: Record) -> None:
        """Take in what became of one case."""
        self.features |= frozenset(record.run.features)
        self.seen.add(record.run.transcript, deviates=record.verdict is Verdict.KNOWN)
        verdicts = {Verdict.SKIP: self.skipped} | dict.fromkeys(PASSING, self.passed)
        verdicts.get(record.verdict, self.failed).add(record.case)

    @cached_property
    def _cases_of_row(self) -> dict[str, set[str]]:
        table = rows.load()
        found: dict[str, set[str]] = {}
        for case, sources in self.expected.sources.items():
            for source in sources:
                for row_id in rows.members(source, table):
                    found.setdefault(row_id, set()).add(case)
        return found

    def rows_seen(self) -> list[str]:
        """The rows that a case that passed stands for."""
        return [row_id for row_id, cases in self._cases_of_row.items() if cases & self.passed]

    def _unseen_rows(self) -> list[str]:
        lines = []
        for row in _required_rows():
            cases = self._cases_of_row.get(row.id, set())
            if not cases and row.id not in self.expected.standing:
                lines.append(f"row {row.id}, which no case stands for: {row.meaning}")
            elif cases and not cases & self.passed and not cases <= self.skipped:
                lines.append(f"row {row.id}, for which no case passed: {row.meaning}")
        return lines

    def unseen(self) -> list[str]:
        """One line for everything that could be seen and was not."""
        showing: dict[str, set[str]] = {}
        for case, lines in self.expected.shown.items():
            for line in lines:
                showing.setdefault(line, set()).add(case)
        out_of_reach = {line for line, cases in showing.items() if cases <= self.skipped}
        unseen = [line for line in self.seen.unseen(self.features) if line not in out_of_reach]
        return unseen + self._unseen_rows()

    def counts(self) -> str:
        """How much of each kind was seen."""
        rows_seen = self.rows_seen()
        parts = (
            f"{len(self.seen.transitions)} transitions",
            f"{len({cell[:2] for cell in self.seen.cells})} cells of verbs",
            f"{len(self.seen.events & set(EVENTS))} job events",
            f"{len(self.seen.errors)} error texts",
            f"{len(rows_seen)} rows",
        )
        return ", ".join(parts)

    def lines(self) -> list[str]:
        """For the end of a terminal's report: one line when nothing is missing, else the names as well."""
        unseen = self.unseen() + [f"there is no such: {line}" for line in self.seen.unlawful()]
        head = f"coverage of {self.implementation}: {self.counts()}"
        if not unseen:
            return [f"{head}; nothing unseen"]
        return [f"{head}; {len(unseen)} unseen:", *(f"    {line}" for line in unseen)]


def of_run(records: Iterable[Record], expected: Expectation) -> list[RunCoverage]:
    """What each implementation of a run showed."""
    found: dict[str, RunCoverage] = {}
    for record in records:
        if record.case in expected.sources:
            implementation = record.implementation
            found.setdefault(implementation, RunCoverage(implementation, expected)).add(record)
    return list(found.values())


def of_records(records: Sequence[Record], sources: Mapping[str, Sequence[str]]) -> list[Coverage]:
    """Return a line for each case and dimension, of the first implementation that shows the case anything.

    What nobody can see from outside is not listed as missing. A run without any job has no lines.
    """
    seen: dict[str, tuple[Record, Seen]] = {}
    for record in records:
        if record.case not in seen:
            found = Seen()
            found.add(record.run.transcript, deviates=record.verdict is Verdict.KNOWN)
            if found.transitions or found.cells or found.events or found.errors:
                seen[record.case] = (record, found)
    if not any(found.transitions for _, found in seen.values()):
        return []
    features = frozenset(feature for record in records for feature in record.run.features) or coverage.EVERYTHING
    table = rows.load()
    cells = set(coverage.visible_cells(features))
    ran = [record.case for record in records if record.verdict is not Verdict.SKIP]
    in_reach = {row_id for case in ran for source in sources.get(case, ()) for row_id in rows.members(source, table)}
    known: dict[str, list[str]] = {
        "transitions": [_arrow(pair) for pair in sorted(coverage.visible_transitions(features))],
        "verbs in states": [_cell(cell) for cell in coverage.visible_cells(features)],
        "events": list(EVENTS),
        "error texts": refusals.expected(features),
        "rows": [row.id for row in _required_rows() if row.id in in_reach],
    }
    lines = [
        Coverage(case="", implementation="", dimension=dimension, known=names) for dimension, names in known.items()
    ]
    for case, (record, found) in seen.items():
        named = [row_id for source in sources.get(case, ()) for row_id in rows.members(source, table)]
        reached = {
            "transitions": {_arrow(pair) for pair in found.transitions},
            "verbs in states": {_cell(cell) for cell in found.cells & cells},
            "events": found.events & set(EVENTS),
            "error texts": found.errors,
            "rows": set(named) if record.verdict in PASSING else set(),
        }
        lines += [
            Coverage(case=case, implementation=record.implementation, dimension=dimension, reached=sorted(names))
            for dimension, names in reached.items()
            if names
        ]
    return lines


def _required_rows() -> list[Row]:
    return [row for row in rows.load().values() if row.where in REQUIRED_PLACES]


def _arrow(pair: tuple[str, str]) -> str:
    return f"{pair[0]} -> {pair[1]}"


def _cell(cell: coverage.Cell) -> str:
    state, verb, outcome = cell
    return f"{verb} in {state}: {outcome}"
