"""``mirrorcheck mutants``: put known bugs back one by one, and see what catches them."""

from __future__ import annotations

import argparse

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED, UsageError


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "mutants", help="see whether known bugs are caught", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("names", metavar="MUTANT", nargs="*", help="names of mutants or sets (default: all)")
    parser.add_argument("--list", action="store_true", help="list the mutants and run nothing")
    parser.add_argument("--cases", metavar="CASES", action="append", help="run these cases only; may be repeated")
    parser.add_argument("--no-cases", action="store_true", help="run the explorer only")
    parser.add_argument("--no-explorer", action="store_true", help="run the cases only")
    parser.add_argument("-j", "--jobs", metavar="N", type=options.job_count, default="auto", help="cases at a time")
    parser.add_argument(
        "--record", metavar="RUN", help="keep the rows with this stored run, whose page then shows them"
    )
    options.add_suite(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Print a row for each mutant, and one for the reference, which nothing may catch."""
    from harness import stored_runs
    from harness.cases import select
    from harness.implementations.reference import known_mutants
    from harness.mutants.matrix import examine
    from harness.suite import Suite

    known, sets = known_mutants()
    if arguments.list:
        for name, text in {**known, **sets}.items():
            options.write_output(f"{name}: {text}\n")
        return EXIT_PASSED
    names = arguments.names or list(known)
    for name in names:
        if name not in known and name not in sets:
            raise UsageError(f"there is no mutant '{name}': 'mirrorcheck mutants --list' names them")
    suite = None if arguments.no_cases else Suite.find(arguments.suite)
    cases = select(suite.cases(), arguments.cases or []) if suite is not None else []
    width = max(map(len, [*names, "reference"]))
    survivors = 0
    folder = None if arguments.record is None else stored_runs.find(arguments.record).parent
    recorded: list[stored_runs.Mutants] = []
    for name in names:
        row = examine(name, cases, suite, explores=not arguments.no_explorer, jobs=arguments.jobs)
        survivors += not row.is_caught
        recorded.append(
            stored_runs.Mutants(
                mutant=name,
                summary=known.get(name, sets.get(name, "")),
                verdict="caught" if row.is_caught else "survived",
                caught_by=[*(row.failed or ())]
                + (["a single fault"] if row.swept else [])
                + (["the explorer"] if row.explored else []),
            )
        )
        options.write_output(row.line(width) + "\n")
    if folder is not None:
        stored_runs.write_mutants(folder, recorded)
    own = examine("", cases, suite, explores=not arguments.no_explorer, jobs=arguments.jobs)
    options.write_output(f"{len(names)} mutants, {survivors} survive; ")
    options.write_output(
        f"false alarm on the reference: {own.line(width)}\n" if own.is_caught else "no false alarm on the reference\n"
    )
    return EXIT_NOT_CONFORMING if survivors or own.is_caught else EXIT_PASSED
