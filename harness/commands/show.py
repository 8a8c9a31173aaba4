"""``mirrorcheck show``: show one case: its header, where it is, and what it must print."""

from __future__ import annotations

import argparse

from harness.commands import Subparsers, options
from harness.errors import EXIT_PASSED, UsageError


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "show", help="show one case and what it must print", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("case", metavar="CASE", help="a number (310), an id, a name or a file")
    parser.add_argument("--source", action="store_true", help="also the case file itself")
    options.add_suite(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Show it."""
    from harness.cases import select
    from harness.commands.list import long_form
    from harness.golden import GoldenError
    from harness.report import visible
    from harness.suite import Suite

    suite = Suite.find(arguments.suite)
    chosen = select(suite.cases(), [arguments.case])
    if len(chosen) != 1:
        raise UsageError(f"'{arguments.case}' is {len(chosen)} cases; show takes one")
    case = chosen[0]
    parts = [long_form(case)]
    if arguments.source:
        parts.append(case.path.read_text("utf-8"))
    for name in suite.goldens.names(case.id):
        try:
            golden = suite.goldens.read(name).text
        except GoldenError as error:
            parts.append(f"{error}\n")
        else:
            parts.append(f"golden/{name}:\n" + "".join(f"  {visible(line)}\n" for line in golden.splitlines()))
    options.write_output("\n".join(parts))
    return EXIT_PASSED
