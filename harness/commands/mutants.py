"""``mirrorcheck mutants``: put known bugs back one by one, and see what catches them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED, EXIT_UNDECIDED, UsageError

if TYPE_CHECKING:
    from harness.mutants.matrix import Plan, Row


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "mutants", help="see whether known bugs are caught", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("names", metavar="MUTANT", nargs="*", help="names of mutants or sets (default: all mutants)")
    parser.add_argument("--list", action="store_true", help="list mutants and other choices, and run nothing")
    parser.add_argument(
        "--quick", action="store_true", help="be content with what is known to show a mutant, if it still does"
    )
    parser.add_argument(
        "--tables",
        action="store_true",
        help="flip each cell of the tables of job states and verbs instead, and name a case that notices",
    )
    parser.add_argument(
        "--cases",
        metavar="CASES",
        action="append",
        help="run these cases only; may be repeated (default: all that are one run)",
    )
    parser.add_argument("--no-cases", action="store_true", help="run no cases")
    parser.add_argument("--no-sweep", action="store_true", help="try no single faults")
    parser.add_argument("--no-explorer", action="store_true", help="explore nothing")
    parser.add_argument("-j", "--jobs", metavar="N", type=options.job_count, default="auto", help="mutants at a time")
    parser.add_argument(
        "--record", metavar="RUN", help="keep the rows with this stored run, whose page then shows them"
    )
    options.add_suite(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print a row for each mutant, and one for the reference, which nothing may catch."""
    from harness import stored_runs
    from harness.implementations.reference import known_mutants, known_variants, members_of
    from harness.mutants.matrix import REFERENCE, examine_all, heading

    known, sets = known_mutants()
    if arguments.list:
        for name, text in {**known, **sets, **known_variants()}.items():
            options.write_output(f"{name}: {text}\n")
        return EXIT_PASSED
    if arguments.tables:
        return _run_tables(arguments)
    names = arguments.names or list(known)
    for index, name in enumerate(names):
        if name not in known and name not in sets:
            raise UsageError(f"there is no mutant '{name}': 'mirrorcheck mutants --list' names them")
        if name in names[:index]:
            raise UsageError(f"the mutant '{name}' is given twice")
    folder = None if arguments.record is None else stored_runs.find(arguments.record).parent
    plan = _plan(arguments)
    width = max(map(len, [*names, REFERENCE]))
    rows: list[Row] = []
    options.write_output(heading(width) + "\n")
    interrupted = False
    try:
        for row in examine_all(["", *names], plan, arguments.jobs):
            rows.append(row)
            options.write_output(row.line(width, plan) + "\n")
            if row.detail:
                print(row.detail, end="", file=sys.stderr)
            if row.name in sets and row.failed:
                _explain(row, members_of(row.name), plan, arguments.jobs)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if folder is not None:
            _record(folder, rows, names, {**known, **sets})
    return _conclude(rows, len(names), interrupted)


def _plan(arguments: argparse.Namespace) -> Plan:
    from harness import judge
    from harness.cases import select
    from harness.mutants import known
    from harness.mutants.case_runs import is_plain
    from harness.mutants.matrix import Plan
    from harness.suite import Suite

    suite = Suite.find(arguments.suite)
    all_cases = suite.cases()
    cases = [case for case in all_cases if is_plain(case)]
    if arguments.cases:
        cases = select(all_cases, arguments.cases)
    return Plan(
        suite=suite,
        judging=judge.load(suite, [case.id for case in all_cases]),
        cases=[] if arguments.no_cases else cases,
        all_cases=all_cases,
        known=known.read(),
        sweeps=not arguments.no_sweep,
        explores=not arguments.no_explorer,
        is_quick=arguments.quick,
    )


def _explain(row: Row, members: Sequence[str], plan: Plan, jobs: int) -> None:
    """Print which members of a set fail each case that the set fails."""
    from harness.mutants import responsible

    found = responsible.responsible(members, row.failed, plan.all_cases, plan.suite, jobs)
    options.write_output("".join(f"    {line}\n" for line in responsible.lines(found)))


def _record(folder: Path, rows: Sequence[Row], names: Sequence[str], summaries: dict[str, str]) -> None:
    from harness import stored_runs

    by_name = {row.name: row for row in rows}
    stored_runs.write_mutants(
        folder,
        [
            stored_runs.Mutants(
                mutant=name,
                summary=summaries.get(name, ""),
                verdict="caught" if by_name[name].is_caught else "survived",
                caught_by=by_name[name].caught_by,
            )
            for name in names
            if name in by_name and (by_name[name].is_caught or not by_name[name].broken)
        ],
    )


def _conclude(rows: Sequence[Row], names_count: int, interrupted: bool) -> int:
    from harness.mutants.matrix import REFERENCE

    mutants = [row for row in rows if row.name != REFERENCE]
    own = [row for row in rows if row.name == REFERENCE]
    survivors = [row for row in mutants if not row.is_caught and not row.broken]
    broken = [row for row in rows if row.broken]
    schedules = max((row.explored.schedules for row in mutants if row.explored is not None), default=0)
    text = [f"{len(mutants)} of {names_count} mutants, {len(survivors)} survive"]
    if schedules:
        text.append(f"none took more than {schedules} schedules to find")
    if own:
        text.append("false alarm on the reference" if own[0].is_caught else "no false alarm on the reference")
    if broken:
        text.append(f"{len(broken)} could not be decided")
    options.write_output("; ".join(text) + "\n")
    if survivors or (own and own[0].is_caught):
        return EXIT_NOT_CONFORMING
    return EXIT_UNDECIDED if broken or interrupted or not own else EXIT_PASSED


def _run_tables(arguments: argparse.Namespace) -> int:
    from harness.implementations.reference import table_mutants
    from harness.mutants import tables
    from harness.suite import Suite

    cells = table_mutants()
    for name in arguments.names:
        if name not in cells:
            raise UsageError(f"there is no cell '{name}': cells are named like 'transition-running-ready'")
    names = arguments.names or list(cells)
    width = max(map(len, names))
    found: dict[str, str] = {}
    interrupted = False
    try:
        for name, case in tables.killers(names, Suite.find(arguments.suite), tables.known_killers(), arguments.jobs):
            found[name] = case
            options.write_output(f"{name:{width}}  {case or 'SURVIVES'}\n")
    except KeyboardInterrupt:
        interrupted = True
    survivors = list(found.values()).count("")
    stated = list(found.values()).count(tables.STATEMENT)
    options.write_output(
        f"{len(found)} of {len(names)} cells flipped, {survivors} survive; "
        f"{stated} are noticed by {tables.STATEMENT} alone, the others by what they do\n"
    )
    if survivors:
        return EXIT_NOT_CONFORMING
    return EXIT_UNDECIDED if interrupted else EXIT_PASSED
