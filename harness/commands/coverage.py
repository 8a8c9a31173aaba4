"""``mirrorcheck coverage``: name what of a job's life a run never shows.

Transitions, verbs in states, events, error texts, and the rows of facts that the reference can test and that neither a
case that passed nor a mutant stands for. Ends with 1 when anything is missing, or a job took a way that there is not.
"""

from __future__ import annotations

import argparse

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED, Undecided, UsageError
from harness.records import Record
from harness.suite import Suite


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "coverage", help="name what of a job's life no case shows", description=__doc__, allow_abbrev=False
    )
    options.add_selection(parser)
    parser.add_argument("--of", metavar="RUN", help="of a stored run, as for 'report', instead of running cases")
    options.add_running(parser)
    parser.add_argument("--errors", action="store_true", help="also list all error texts that were seen")
    parser.add_argument("--hidden", action="store_true", help="also list what cannot be seen, and why")
    options.add_suite(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run, or read a run, and list what is missing."""
    from harness import run_coverage
    from harness.implementations.reference import mutant_rows

    suite, records = _stored(arguments) if arguments.of is not None else _run(arguments)
    lines = _hidden() if arguments.hidden else []
    is_complete = True
    for found in run_coverage.of_run(records, run_coverage.expectation(suite, mutant_rows())):
        if arguments.errors:
            lines += [f"error text: {text}" for text in sorted(found.seen.errors)]
        lines += found.lines()
        is_complete = is_complete and len(found.lines()) == 1
    options.write_output("".join(f"{line}\n" for line in lines))
    return EXIT_PASSED if is_complete else EXIT_NOT_CONFORMING


def _stored(arguments: argparse.Namespace) -> tuple[Suite, list[Record]]:
    from harness import stored_runs

    if arguments.cases or arguments.group or arguments.exclude_group or arguments.implementations:
        raise UsageError("--of takes the run as it is: neither cases nor groups nor implementations can be chosen")
    stored = stored_runs.read(stored_runs.find(arguments.of, arguments.results))
    return options.suite_of_run(arguments.suite, stored.header.suite), stored.records


def _run(arguments: argparse.Namespace) -> tuple[Suite, list[Record]]:
    from harness.whole_run import Plan, WholeRun

    suite = Suite.find(arguments.suite)
    every_case, cases = options.selected(suite, arguments)
    plan = Plan(
        suite=suite,
        every_case=every_case,
        cases=cases,
        specs=arguments.implementations or [options.DEFAULT_IMPLEMENTATION],
        jobs=arguments.jobs,
        limit_s=arguments.timeout,
        results=arguments.results,
        command=arguments.command_line,
    )
    whole = WholeRun(plan)
    records = whole.run([]).records
    if whole.outcome.interrupted:
        raise Undecided("interrupted")
    return suite, records


def _hidden() -> list[str]:
    from harness import job_table, refusals

    lines = [f"hidden: state {state}: {reason}" for state, reason in job_table.HIDDEN_STATES.items()]
    hidden = job_table.HIDDEN_TRANSITIONS.items()
    lines += [f"hidden: transition {before} -> {after}: {reason}" for (before, after), reason in hidden]
    lines += [f"hidden: error text {entry.text}: {entry.reason}" for entry in refusals.load() if entry.reason]
    return lines
