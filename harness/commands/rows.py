"""``mirrorcheck rows``: list the rows of facts, and which cases stand for them."""

from __future__ import annotations

import argparse

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED
from harness.suite import Suite


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "rows", help="list the rows of facts that cases stand for", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("prefixes", metavar="PREFIX", nargs="*", help="only rows whose id begins so (QE-, 041-B)")
    options.add_suite(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--covered", action="store_true", help="only rows that some case names")
    which.add_argument("--missing", action="store_true", help="only rows that no case names and the reference can test")
    which.add_argument(
        "--check", action="store_true", help="list nothing but sources that are no row; 1 if there are any"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """List or check."""
    from harness import rows

    cases = Suite.find(arguments.suite).cases()
    table = rows.load()
    problems = rows.unknown(cases, table)
    if arguments.check:
        options.write_output("".join(f"{problem}\n" for problem in problems))
        return EXIT_NOT_CONFORMING if problems else EXIT_PASSED
    naming = rows.naming(cases)
    lines = []
    for row in table.values():
        if arguments.prefixes and not row.id.startswith(tuple(arguments.prefixes)):
            continue
        case_ids = naming.get(row.id, [])
        if (arguments.covered and not case_ids) or (arguments.missing and (case_ids or row.where != "R")):
            continue
        lines.append(f"{row.id}  {row.where}  {' '.join(case_ids) or '-'}  {row.meaning}\n")
    options.write_output("".join(lines))
    return EXIT_NOT_CONFORMING if problems else EXIT_PASSED
