"""Options and output that several commands share."""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path

from harness.cases import Case, select
from harness.errors import Undecided
from harness.report import cannot_write
from harness.suite import Suite

DEFAULT_IMPLEMENTATION = "reference"
DEFAULT_LIMIT_S = 60.0

CASES_HELP = "a number (310), an id, a name, a file, a range (100-199), or hundreds and tens (3xx, 31x)"


def add_suite(parser: argparse.ArgumentParser) -> None:
    """Add --suite."""
    parser.add_argument(
        "--suite",
        metavar="DIR",
        type=Path,
        help="the folder that holds cases/ and golden/ (default: the working directory if it does, else ours)",
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add CASES, --group and --exclude-group."""
    parser.add_argument("cases", metavar="CASES", nargs="*", help=CASES_HELP)
    parser.add_argument(
        "-g", "--group", metavar="GROUP", action="append", default=[], help="only cases in this group; may be repeated"
    )
    parser.add_argument(
        "-x", "--exclude-group", metavar="GROUP", action="append", default=[], help="no case in this group; may be too"
    )


def add_running(parser: argparse.ArgumentParser) -> None:
    """Add --impl, --jobs, --timeout and --results."""
    parser.add_argument(
        "--impl",
        metavar="SPEC",
        action="append",
        dest="implementations",
        help=f"the implementation under test (default: {DEFAULT_IMPLEMENTATION}); may be repeated. "
        "'mirrorcheck doctor' lists the kinds",
    )
    parser.add_argument(
        "-j", "--jobs", metavar="N", type=job_count, default="auto", help="cases at the same time (default: auto)"
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=seconds,
        default=DEFAULT_LIMIT_S,
        help=f"limit for one case in seconds, which only catches a hang (default: {DEFAULT_LIMIT_S:g})",
    )
    parser.add_argument(
        "--results", metavar="DIR", type=Path, help="keep everything about every run there (default: failures only)"
    )


def job_count(text: str) -> int:
    """Return the number of jobs that -j asks for; "auto" is one for each processor that we may use.

    :raise ArgumentTypeError: when it is neither "auto" nor a number from 1 on.
    """
    if text == "auto":
        return len(os.sched_getaffinity(0))
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is neither 'auto' nor a number from 1 on")
    return int(text)


def seconds(text: str) -> float:
    """Return a duration in seconds.

    :raise ArgumentTypeError: when it is not a number above 0.
    """
    try:
        duration_s = float(text)
    except ValueError:
        duration_s = math.nan
    if not (0 < duration_s < math.inf):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds above 0")
    return duration_s


def selected(suite: Suite, options: argparse.Namespace) -> tuple[list[Case], list[Case]]:
    """Return all cases of the suite and the selected ones.

    :raise Undecided: when none is selected.
    :raise UsageError: when the selection names what is not there.
    """
    every_case = suite.cases()
    chosen = select(every_case, options.cases, groups=options.group, excluded_groups=options.exclude_group)
    if not chosen:
        raise Undecided(f"no case is selected, of {len(every_case)} in {suite.cases_folder}")
    return every_case, chosen


def write_output(text: str) -> None:
    """Write to standard output.

    :raise UsageError: when it cannot be written (the disk is full).
    :raise BrokenPipeError: when nobody reads it any more.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write("-", error) from error
