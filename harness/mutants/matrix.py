"""Which mutant is caught by what: the cases, single faults, the explorer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from harness.cases import Case
from harness.errors import ImplementationError
from harness.forks import Unanswered, in_processes
from harness.implementations import Implementation, Session, parse
from harness.judge import Judge
from harness.mutants import hunt as hunting
from harness.mutants.case_runs import failing_cases
from harness.mutants.known import Known
from harness.mutants.limits import LimitedRuns, limited
from harness.suite import Suite

REFERENCE = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is tried on each mutant.

    :ivar cases: the plain cases to run; none leaves the column out. :ivar all_cases: where swept ones are looked up.
    :ivar schedules_max: for a mutant that nothing else catches; the others get a glance, `hunting.GLANCE`.
    :ivar is_quick: whether what is known to show a mutant is enough, if it still does.
    """

    suite: Suite
    judging: Judge
    cases: Sequence[Case]
    all_cases: Sequence[Case]
    known: dict[str, Known] = field(default_factory=dict)
    sweeps: bool = True
    explores: bool = True
    schedules_max: int = hunting.SCHEDULES_MAX
    is_quick: bool = False

    def all_named(self, case_id: str) -> list[Case]:
        """The cases of the suite with an id: one, or none."""
        return [case for case in self.all_cases if case.id == case_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What happened to one mutant.

    :ivar failed: ids of the cases that failed on it. :ivar fault: the case and the fault that show it, if any.
    :ivar faults_tried, schedules: how many there were of each.
    :ivar broken: what went wrong with the search itself; empty when nothing did.
    :ivar detail: the traceback, if that was raised by something that nobody thought of.
    """

    name: str
    failed: tuple[str, ...] = ()
    fault: str | None = None
    faults_tried: int = 0
    explored: hunting.Caught | None = None
    schedules: int = 0
    broken: str = ""
    detail: str = ""

    @property
    def is_caught(self) -> bool:
        """Whether anything noticed it."""
        return bool(self.failed) or self.fault is not None or self.explored is not None

    @property
    def caught_by(self) -> list[str]:
        """Everything that noticed it, the first first."""
        found = list(self.failed)
        if self.fault is not None:
            found.append(f"fault {self.fault}")
        if self.explored is not None:
            found.append(f"scenario {self.explored.by} after {_schedules(self.explored.schedules)}")
        return found

    def line(self, width: int, plan: Plan) -> str:
        """The row as a line: mutant, cases, sweep, explorer, and what came first."""
        if self.broken:
            return f"{self.name:{width}}  {self.broken}"
        cases = str(len(self.failed) or "-") if plan.cases else ""
        swept = "1 fault" if self.fault is not None else "-" if self.faults_tried else ""
        explored = str(self.explored.schedules) if self.explored is not None else ""
        if self.schedules and self.explored is None:
            explored = f"- ({self.schedules})"
        first = self.caught_by[0] if self.is_caught else "SURVIVES" if self.name != REFERENCE else "nothing, as it must"
        return f"{self.name:{width}}  {cases:>5}  {swept:7}  {explored:>9}  {first}"


def _schedules(count: int) -> str:
    return "1 schedule" if count == 1 else f"{count} schedules"


def heading(width: int) -> str:
    """What `Row.line` has in its columns."""
    return f"{'mutant':{width}}  {'cases':>5}  {'sweep':7}  {'schedules':>9}  caught first by"


def examine(name: str, plan: Plan) -> Row:
    """Try everything on one mutant; an empty name is the reference itself. Only in the main thread."""
    implementation = parse(f"{REFERENCE}:{name}" if name else REFERENCE)
    known = plan.known.get(name)
    if plan.is_quick and known is not None:
        row = _examine_quickly(name, plan, known, implementation)
        if row.is_caught:
            return row
    failed = tuple(failing_cases(plan.cases, implementation, plan.judging))
    fault, faults_tried, explored, schedules = None, 0, None, 0
    implementation = LimitedRuns(implementation)
    try:
        with limited(), tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
            if plan.sweeps:
                fault, faults_tried = hunting.sweep(implementation, plan.all_cases, known)
            if plan.explores:

                def opener() -> Session:
                    return implementation.open(Path(folder))

                needs_search = bool(name) and not failed and fault is None
                passes = hunting.SEARCH if needs_search else hunting.GLANCE
                explored, schedules = hunting.hunt(opener, passes, known, plan.schedules_max)
    except ImplementationError as error:
        return Row(name=name or REFERENCE, failed=failed, fault=fault, broken=f"the search was ended: {error}")
    return Row(
        name=name or REFERENCE,
        failed=failed,
        fault=fault,
        faults_tried=faults_tried,
        explored=explored,
        schedules=schedules,
    )


def _examine_quickly(name: str, plan: Plan, known: Known, implementation: Implementation) -> Row:
    """Try what is known to show a mutant, the first of it that does."""
    row = Row(name=name, failed=tuple(failing_cases(plan.all_named(known.case), implementation, plan.judging)))
    implementation = LimitedRuns(implementation)
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder, limited():
        if not row.is_caught and known.fault:
            fault, tried = hunting.sweep(implementation, plan.all_cases, known)
            row = replace(row, fault=fault, faults_tried=tried)
        if not row.is_caught and known.scenario:
            explored, schedules = hunting.hunt(lambda: implementation.open(Path(folder)), (), known)
            row = replace(row, explored=explored, schedules=schedules)
    return row


def examine_all(names: Sequence[str], plan: Plan, jobs: int) -> Iterator[Row]:
    """Try everything on each mutant, `jobs` at a time; rows come as they are done."""
    for name, answer in in_processes(names, partial(examine, plan=plan), jobs):
        if isinstance(answer, Unanswered):
            answer = Row(name=name or REFERENCE, broken=answer.reason, detail=answer.detail)
        yield answer
