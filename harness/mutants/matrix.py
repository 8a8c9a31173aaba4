"""Which mutant is caught by what: the cases, single faults, the explorer."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import judge, running
from harness.cases import Case
from harness.implementations import Session, parse
from harness.mutants.hunt import Caught, hunt, sweep
from harness.records import Record, Verdict
from harness.suite import Suite

REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Row:
    """What happened to one mutant.

    :ivar failed: ids of the cases that failed on it; None when no cases were run.
    """

    name: str
    failed: tuple[str, ...] | None
    swept: Caught | None
    explored: Caught | None

    @property
    def is_caught(self) -> bool:
        """Whether anything noticed it."""
        return bool(self.failed) or self.swept is not None or self.explored is not None

    def line(self, width: int) -> str:
        """The row as a line."""
        cases = "not run" if self.failed is None else f"{len(self.failed)} {self.failed[0]}" if self.failed else "-"
        swept = f"{self.swept.by}" if self.swept else "-"
        explored = f"{self.explored.by}, {self.explored.schedules} schedules" if self.explored else "-"
        verdict = "caught" if self.is_caught else "SURVIVES"
        return f"{self.name:{width}}  {verdict:8}  cases: {cases:38}  faults: {swept:18}  explorer: {explored}"


def examine(name: str, cases: Sequence[Case], suite: Suite | None, *, explores: bool, jobs: int) -> Row:
    """Run everything against one mutant; an empty name is the reference itself.

    :param cases: those to run; none without a suite.
    """
    spec = f"{REFERENCE}:{name}" if name else REFERENCE
    failed = _failed_cases(spec, cases, suite, jobs) if suite is not None else None
    swept = explored = None
    if explores:
        implementation = parse(spec)
        with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:

            def opener() -> Session:
                return implementation.open(Path(folder))

            swept = sweep(opener)
            # The reference itself is to pass everything; for that a tenth of the effort is enough here.
            explored = hunt(opener, schedules_max=100_000 if name else 10_000)
    return Row(name or REFERENCE, failed, swept, explored)


def _failed_cases(spec: str, cases: Sequence[Case], suite: Suite, jobs: int) -> tuple[str, ...]:
    results = running.ResultsFolder(None, is_remarkable=_never)
    try:
        outcome = running.run_tasks(
            running.make_tasks(cases, [spec]),
            judge.load(suite, [case.id for case in suite.cases()], ()),
            [],
            results,
            jobs=jobs,
            limit_s=60.0,
        )
    finally:
        results.close()
    if outcome.interrupted:
        raise KeyboardInterrupt
    passing = (Verdict.PASS, Verdict.KNOWN, Verdict.SKIP)
    return tuple(sorted(record.run.case for record in outcome.records if record.verdict not in passing))


def _never(record: Record) -> bool:
    return False
