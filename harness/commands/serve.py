"""``mirrorcheck serve``: put the reference on sockets, as a qemu-storage-daemon is."""

from __future__ import annotations

import argparse

from harness.commands import Subparsers
from harness.errors import EXIT_PASSED


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options, which are qemu-storage-daemon's."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "serve", help="put the reference on sockets", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--chardev",
        metavar="OPTIONS",
        action="append",
        default=[],
        help="socket,id=ID,path=PATH,server=on,wait=off or socket,id=ID,fd=N",
    )
    parser.add_argument("--monitor", metavar="OPTIONS", action="append", default=[], help="chardev=ID: QMP there")
    for name, what in (
        ("blockdev", "a node, as blockdev-add takes it"),
        ("nbd-server", "addr.type=unix,addr.path=PATH"),
        ("export", "type=nbd,id=ID,node-name=NODE[,name=NAME][,writable=on]"),
        ("object", "throttle-group,id=ID: accepted, limits nothing"),
    ):
        parser.add_argument(
            f"--{name}", metavar="OPTIONS", action="append", default=[], help=f"{what}; key=value or JSON"
        )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Serve until `quit`, SIGTERM or an interrupt."""
    from harness.serve.options import StartOptions
    from harness.serve.server import serve

    serve(StartOptions.parse(arguments))
    return EXIT_PASSED
