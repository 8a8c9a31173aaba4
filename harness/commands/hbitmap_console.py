"""``mirrorcheck hbitmap-console``: serve the reference's bitmap, one line in, one line out.

The protocol is in docs/hbitmap-console.md. This console is its worked example: whoever writes one for another bitmap
can compare the two line by line.
"""

from __future__ import annotations

import argparse
import sys

from harness.commands import Subparsers


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options: it has none."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "hbitmap-console",
        help="serve the reference's bitmap, one line in, one line out",
        description=__doc__,
        allow_abbrev=False,
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Serve until ``quit`` or the end of the input."""
    from harness.implementations.reference_bitmaps import serve_console

    return serve_console(sys.stdin, sys.stdout)
