"""Flips each cell of the tables of job states and verbs, and looks for a case that notices."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from harness import judge
from harness.cases import Case
from harness.errors import HarnessBug
from harness.forks import Unanswered, in_processes
from harness.implementations import parse
from harness.mutants.case_runs import is_plain, reason_to_fail
from harness.suite import Suite

TABLE = Path(__file__).with_name("tables.toml")
"""Which case is known to notice each flipped cell."""

STATEMENT = "199-job-states"
"""The case that only shows the tables; what notices a cell by what it does is asked first."""

_FIRST, _LAST = 100, 199


def known_killers(path: Path = TABLE) -> dict[str, str]:
    """The case that is known to notice each flipped cell, by the cell's name."""
    return {name: str(case) for name, case in tomllib.loads(path.read_text(encoding="utf-8")).items()}


def killers(names: Sequence[str], suite: Suite, known: dict[str, str], jobs: int) -> Iterator[tuple[str, str]]:
    """(cell, the case that notices it; empty when none does), as they are found.

    :raise HarnessBug: when that cannot be found out.
    """
    cases = suite.cases()
    for name, answer in in_processes(names, partial(_killer, suite=suite, cases=cases, known=known), jobs):
        if isinstance(answer, Unanswered):
            raise HarnessBug(f"{name}: {answer.detail or answer.reason}")
        yield name, answer


def _killer(name: str, suite: Suite, cases: Sequence[Case], known: dict[str, str]) -> str:
    implementation = parse(f"reference:{name}")
    judging = judge.load(suite, [case.id for case in cases])

    def order(case: Case) -> tuple[bool, bool, int]:
        return case.id != known.get(name), case.id == STATEMENT, case.number

    about_jobs = [case for case in cases if _FIRST <= case.number <= _LAST and is_plain(case)]
    for case in sorted(about_jobs, key=order):
        if reason_to_fail(case, implementation, judging) is not None:
            return case.id
    return ""
