"""``mirrorcheck promote``: make a numbered case of a saved schedule."""

from __future__ import annotations

import argparse
from pathlib import Path

from harness.commands import Subparsers, options
from harness.errors import EXIT_NOT_CONFORMING, EXIT_PASSED, Disagreement, UsageError


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "promote", help="make a case of a saved schedule", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a schedule that 'mirrorcheck explore --save' wrote")
    parser.add_argument("number", metavar="NNN", help="the number of the new case")
    options.add_suite(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Write the case and its golden, which is what the reference does with the schedule."""
    from harness.explore.promotion import promote
    from harness.suite import Suite

    if not arguments.number.isdecimal() or len(arguments.number) != 3:
        raise UsageError(f"'{arguments.number}' is not a number of three digits")
    try:
        case, golden = promote(arguments.file, int(arguments.number), Suite.find(arguments.suite))
    except Disagreement as error:
        options.write_output(f"it fails on the reference, so that there is something to mend first: {error}\n")
        return EXIT_NOT_CONFORMING
    options.write_output(f"wrote {case}\nwrote {golden}\n")
    return EXIT_PASSED
