"""``mirrorcheck graph``: run one case and draw the block graph, at its end or as soon as a line is printed.

The picture is in the language of Graphviz: ``mirrorcheck graph 600 | dot -Tsvg > graph.svg``. Boxes are nodes, ellipses
are jobs, houses are guests, exports and whatever else uses a node. An edge says in which role a node is used, and which
permissions its user needs and shares.
"""

from __future__ import annotations

import argparse

from harness.commands import Subparsers, options
from harness.errors import EXIT_PASSED, UsageError


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "graph", help="draw the block graph of a case", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("case", metavar="CASE", help="a number (600), an id, a name or a file")
    parser.add_argument(
        "--at",
        metavar="TEXT",
        default="",
        help="draw it when the first line that contains this is printed, and end the case there (default: at its end)",
    )
    parser.add_argument(
        "--impl",
        metavar="SPEC",
        dest="implementation",
        default=options.DEFAULT_IMPLEMENTATION,
        help=f"the implementation that runs the case (default: {options.DEFAULT_IMPLEMENTATION})",
    )
    options.add_suite(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run the case and draw."""
    from harness.cases import select
    from harness.graph_drawing import draw
    from harness.implementations import parse
    from harness.suite import Suite

    chosen = select(Suite.find(arguments.suite).cases(), [arguments.case])
    if len(chosen) != 1:
        raise UsageError(f"'{arguments.case}' is {len(chosen)} cases; graph takes one")
    options.write_output(draw(chosen[0], parse(arguments.implementation), arguments.at))
    return EXIT_PASSED
