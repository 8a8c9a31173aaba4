"""``mirrorcheck serve``: put the reference on sockets, as a qemu-storage-daemon is."""

from __future__ import annotations

import argparse
from typing import Any

from harness import __version__
from harness.commands import Subparsers
from harness.errors import EXIT_PASSED, UsageError


class _KeepOrder(argparse.Action):
    """Notes options of different names in the order in which they were given."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, value: Any, option: str | None = None
    ) -> None:
        namespace.steps = [*(namespace.steps or []), (self.dest, value)]


class _PrintVersion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *arguments: object) -> None:
        from harness.commands.options import write_output

        write_output(f"mirrorcheck serve {__version__}\n")
        parser.exit()


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options, which are qemu-storage-daemon's."""
    from harness.serve.option_names import OPTIONS

    parser: argparse.ArgumentParser = subparsers.add_parser(
        "serve",
        help="put the reference on sockets",
        description=__doc__,
        epilog="Values are key=value separated by commas, with dots for members of members, or JSON objects.",
        allow_abbrev=False,
    )
    parser.set_defaults(steps=None)
    for name, what in OPTIONS.items():
        parser.add_argument(f"--{name}", metavar="OPTIONS", action=_KeepOrder, dest=name, help=what)
    parser.add_argument(
        "--impl",
        metavar="SPEC",
        default="reference",
        help="reference, or reference:NAME with another choice or a known bug (default: reference)",
    )
    parser.add_argument("--pidfile", metavar="PATH", help="write the process id there once everything is open")
    parser.add_argument("--daemonize", action="store_true", help="is refused: let a shell or a service manager do that")
    parser.add_argument("-V", "--version", action=_PrintVersion, nargs=0, help="print the version and exit")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Serve until `quit`, SIGTERM or an interrupt."""
    if arguments.daemonize:
        raise UsageError("--daemonize is not offered: let a shell (&) or a service manager run it in the background")
    from harness.implementations import parse
    from harness.implementations.reference import Reference
    from harness.serve.options import Step
    from harness.serve.program import serve

    implementation = parse(arguments.impl)
    if not isinstance(implementation, Reference):
        raise UsageError(f"--impl {arguments.impl}: only 'reference' and 'reference:NAME' can be served")
    serve([Step(option, text) for option, text in arguments.steps or []], arguments.pidfile, implementation.parts)
    return EXIT_PASSED
