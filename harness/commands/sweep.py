"""``mirrorcheck sweep``: run a case once for every fault at every request that it makes of its disks."""

from __future__ import annotations

import argparse
import sys

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED, UsageError

PROGRESS_EVERY = 500
"""A line after so many runs, so that a long sweep shows that it goes on."""

VIOLATIONS_SHOWN_MAX = 20


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "sweep", help="run a case with a fault at each of its storage requests", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("case", metavar="CASE", help="a number (310), an id, a name or a file")
    parser.add_argument(
        "--impl",
        metavar="SPEC",
        dest="implementation",
        default=options.DEFAULT_IMPLEMENTATION,
        help=f"the implementation under test (default: {options.DEFAULT_IMPLEMENTATION})",
    )
    parser.add_argument("--every", metavar="N", type=_count, default=1, help="only every N-th fault, a stated sample")
    parser.add_argument(
        "--ending", choices=("heal", "cancel"), help="only runs that end so after the fault (default: both, in turn)"
    )
    parser.add_argument("--fault", metavar="FAULT", help="only this fault, as a violation names it")
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=options.seconds,
        default=options.DEFAULT_LIMIT_S,
        help=f"limit for one wait in seconds, which only catches a hang (default: {options.DEFAULT_LIMIT_S:g})",
    )
    options.add_suite(parser)
    return parser


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 on")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Sweep, and return 1 if anything was wrong after any fault."""
    from harness import case_run, implementations
    from harness.cases import select
    from harness.faults.fault import Ending, parse
    from harness.faults.sweep import Sweep
    from harness.faults.table import Table
    from harness.suite import Suite

    suite = Suite.find(arguments.suite)
    chosen = select(suite.cases(), [arguments.case])
    if len(chosen) != 1:
        raise UsageError(f"'{arguments.case}' is {len(chosen)} cases; sweep takes one")
    case = chosen[0]
    try:
        only = None if arguments.fault is None else parse(arguments.fault)
    except ValueError as error:
        raise UsageError(str(error)) from error
    implementation = implementations.parse(arguments.implementation)
    missing = [feature for feature in case.needs if feature not in implementation.probe().features]
    if missing:
        raise UsageError(f"{case.id} needs {' '.join(missing)}, which {arguments.implementation} does not offer")
    sweep = Sweep(
        case_run.load(case),
        implementation,
        every=arguments.every,
        endings=tuple(Ending) if arguments.ending is None else (Ending(arguments.ending),),
        hang_limit_s=arguments.timeout,
    )
    sweep.count()
    faults = sweep.faults()
    if only is not None:
        faults = [only]
    heading = f"{case.id} on {arguments.implementation}: {len(sweep.positions)} requests, {len(faults)} faults"
    options.write_output(f"{heading}\n")
    table = Table()
    for fault in faults:
        outcome = sweep.try_one(fault)
        table.add(fault, outcome)
        for problem in outcome.problems:
            if len(table.violations) <= VIOLATIONS_SHOWN_MAX:
                repeat = f"mirrorcheck sweep {case.id} --impl {arguments.implementation} --fault {fault.describe()}"
                options.write_output(f"violation: {problem}\n    repeat: {repeat}\n")
        if table.runs_count % PROGRESS_EVERY == 0:
            print(f"{table.runs_count} of {len(faults)} runs", file=sys.stderr)
    options.write_output("\n".join(["", *table.lines(), ""]) + "\n")
    found = len(table.violations)
    options.write_output(f"{table.runs_count} runs, {found} violation{'' if found == 1 else 's'}\n")
    return EXIT_NOT_CONFORMING if found else EXIT_PASSED
