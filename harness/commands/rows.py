"""``mirrorcheck rows``: list the rows of facts, and what stands for them: cases, mutants, or a reason."""

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
    which.add_argument(
        "--missing",
        action="store_true",
        help="only rows that the reference can test and neither a case nor a mutant nor a reason stands for",
    )
    which.add_argument(
        "--check", action="store_true", help="list nothing but sources that are no row; 1 if there are any"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """List or check."""
    from harness import rows
    from harness.implementations.reference import mutant_rows

    cases = Suite.find(arguments.suite).cases()
    table = rows.load()
    mutants = mutant_rows()
    problems = rows.unknown(cases, mutants, table)
    if arguments.check:
        options.write_output("".join(f"{problem}\n" for problem in problems))
        return EXIT_NOT_CONFORMING if problems else EXIT_PASSED
    named, planted = rows.naming(cases, table), rows.planted(mutants)
    lines = []
    for row in table.values():
        if arguments.prefixes and not row.id.startswith(tuple(arguments.prefixes)):
            continue
        standing = named.get(row.id, []) + planted.get(row.id, [])
        if row.reason:
            standing.append(f"({row.reason})")
        if (arguments.covered and row.id not in named) or (arguments.missing and (standing or not row.in_reach)):
            continue
        lines.append(f"{row.id}  {row.where}  {' '.join(standing) or '-'}  {row.meaning}\n")
    options.write_output("".join(lines))
    return EXIT_NOT_CONFORMING if problems else EXIT_PASSED
