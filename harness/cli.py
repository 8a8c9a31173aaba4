"""The command line: ``mirrorcheck COMMAND``.

Commands are modules of ``harness.commands``; this one parses, and turns whatever ends a command into an exit status.
A user's mistake is one line and no traceback. A bug of ours is a traceback and a request to report it.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn, TextIO, cast

from harness import __version__
from harness.commands import COMMANDS, Command
from harness.errors import (
    EXIT_BROKEN,
    EXIT_PASSED,
    EXIT_UNDECIDED,
    EXIT_USAGE,
    HarnessBug,
    MirrorcheckError,
    UsageError,
)

# What prints is imported where something is printed: some commands are started by the hundred, and print nothing.

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

PROGRAM = "mirrorcheck"

_EXIT_STATUS_HELP = """\
exit status:
  0    all passed, known deviations included
  1    an implementation does not conform
  2    could not decide: nothing selected, everything skipped, interrupted
  125  the implementation under test could not be started
  254  usage
  255  the harness itself, or a case file, is broken
"""


class _Parser(argparse.ArgumentParser):
    """Reports a mistake the way every other mistake is reported."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print as every other output is printed: argparse itself says nothing when the disk is full."""
        from harness.commands.options import write_output

        assert file is None
        write_output(self.format_help())


class _PrintVersion(argparse.Action):
    """Prints the version in the same way."""

    def __call__(self, parser: argparse.ArgumentParser, *arguments: object) -> None:
        from harness.commands.options import write_output

        write_output(f"{PROGRAM} {__version__}\n")
        parser.exit()


def make_parser(only: str | None = None) -> argparse.ArgumentParser:
    """Return the parser with all commands.

    :param only: the one command that is wanted, if that is known: to import the others takes longer than most of them
        need to start.
    """
    parser = _Parser(
        prog=PROGRAM,
        description="Conformance suite for block mirroring.",
        epilog=_EXIT_STATUS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_PrintVersion, nargs=0, help="print the version and exit")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True, dest="command", title="commands")
    for name in COMMANDS if only is None else [only]:
        command = cast(Command, importlib.import_module(f"harness.commands.{name.replace('-', '_')}"))
        command.add_parser(subparsers).set_defaults(run_command=command.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    :param arguments: without the program's name; the process's own when None.
    """
    _prepare_streams()
    try:
        return _main(arguments)
    except BrokenPipeError:
        # The reader has seen enough (| head). Nobody is left to be told, and nothing was decided.
        _abandon_output()
        return EXIT_UNDECIDED
    except KeyboardInterrupt:
        _complain("interrupted")
        return EXIT_UNDECIDED
    except HarnessBug as error:
        return _report_bug(error)
    except MirrorcheckError as error:
        _complain(f"error: {error}")
        return error.exit_status
    except Exception as error:
        return _report_bug(error)


def _main(arguments: Sequence[str] | None) -> int:
    try:
        given = list(sys.argv[1:] if arguments is None else arguments)
        options = make_parser(given[0] if given and given[0] in COMMANDS else None).parse_args(given)
        options.command_line = given
        status: int = options.run_command(options)
    except SystemExit as exit_:  # --help and --version
        status = exit_.code if isinstance(exit_.code, int) else EXIT_PASSED
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from harness.report import cannot_write

        _abandon_output()
        _complain(f"error: {cannot_write('-', error)}")
        return EXIT_USAGE
    return status


def _prepare_streams() -> None:
    """Make both streams exist and take any text, whatever the locale is."""
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        if stream is None:  # closed by the caller (>&-)
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for the rest of the process
        elif reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")


def _abandon_output() -> None:
    """Let what is still buffered for standard output go nowhere, so that the interpreter's exit stays quiet."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def _complain(message: str) -> None:
    """Write one line to standard error; that it cannot be written changes nothing."""
    from harness.report import visible

    line = visible(" ".join(message.split("\n")))
    try:
        sys.stdout.flush()
    except OSError:
        _abandon_output()
    try:
        print(f"{PROGRAM}: {line}", file=sys.stderr, flush=True)
    except OSError:
        pass


def _report_bug(error: BaseException) -> int:
    from harness.report import visible

    for line in "".join(traceback.format_exception(error)).splitlines():
        print(visible(line), file=sys.stderr)
    _complain("error: this is a bug in mirrorcheck, please report it with the lines above")
    return EXIT_BROKEN


if __name__ == "__main__":
    sys.exit(main())
