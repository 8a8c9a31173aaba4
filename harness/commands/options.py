"""Options and output that several commands share."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path

from harness.cases import Case, select
from harness.errors import Undecided, UsageError
from harness.report import STANDARD_OUTPUT, Reporter, cannot_write
from harness.suite import Suite

DEFAULT_IMPLEMENTATION = "reference"
DEFAULT_LIMIT_S = 180.0

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
        "-j", "--jobs", metavar="N", type=case_count, default="auto", help="cases at the same time (default: auto)"
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


def add_stored_run(parser: argparse.ArgumentParser) -> None:
    """Add RUN and --results."""
    parser.add_argument(
        "run",
        metavar="RUN",
        nargs="?",
        default="latest",
        help="a stored run: its folder, its results.jsonl, or its id in the results folder (default: the latest)",
    )
    add_results_home(parser)


def add_results_home(parser: argparse.ArgumentParser) -> None:
    """Add --results for commands that read runs."""
    parser.add_argument("--results", metavar="DIR", type=Path, help="the results folder in which ids are looked up")


def suite_of_run(explicit: Path | None, root: str) -> Suite:
    """Return the suite that a stored run is judged by: the named one, else its own if it is still there, else ours.

    :param root: where the run says that its suite was.
    :raise UsageError: as ``Suite.find`` does.
    """
    own = Suite(root=Path(root))
    if explicit is None and own.cases_folder.is_dir() and own.goldens.folder.is_dir():
        return own
    return Suite.find(explicit)


def add_reports(parser: argparse.ArgumentParser) -> None:
    """Add the options for reports that other programs read."""
    parser.add_argument("--junit", metavar="FILE", help="write a JUnit report there")
    parser.add_argument("--tap", metavar="FILE", help="write a TAP 13 report there; - is standard output")
    parser.add_argument("--json", metavar="FILE", help="write one JSON record a line there; - is standard output")
    parser.add_argument("--markdown", metavar="FILE", help="write a summary in Markdown there")
    parser.add_argument("--github", metavar="FILE", help="write GitHub's annotations there; - is standard output")
    parser.add_argument("--codequality", metavar="FILE", help="write GitLab's code quality report there")


def _report_files(arguments: argparse.Namespace) -> dict[str, str]:
    names = ("junit", "tap", "json", "markdown", "github", "codequality")
    return {name: path for name in names if (path := getattr(arguments, name)) is not None}


def check_report_files(arguments: argparse.Namespace) -> None:
    """Check that no two reports go to one place.

    :raise UsageError: when they do, or one that is written at the end goes to standard output.
    """
    files = list(_report_files(arguments).values())
    for index, path in enumerate(files):
        if path in files[:index]:
            where = "standard output" if path == STANDARD_OUTPUT else path
            raise UsageError(f"two reports cannot go to {where}")
    for name in ("junit", "markdown", "codequality"):
        if getattr(arguments, name) == STANDARD_OUTPUT:
            raise UsageError(f"--{name} takes a file, not standard output")


def reports_use_standard_output(arguments: argparse.Namespace) -> bool:
    """Say whether a report goes to standard output, so that everything else goes to standard error.

    GitHub's annotations do not count: they are made to stand between other lines.
    """
    return STANDARD_OUTPUT in (arguments.tap, arguments.json)


def file_reporters(arguments: argparse.Namespace, suite: Suite) -> list[Reporter]:
    """Return a reporter for each report that is asked for.

    :raise UsageError: when one cannot be written.
    """
    from harness.report.annotations import CodeQualityReporter, GithubReporter
    from harness.report.jsonlines import JsonLinesReporter
    from harness.report.junit import JunitReporter
    from harness.report.markdown import MarkdownReporter
    from harness.report.tap import TapReporter

    makers: dict[str, Callable[[str], Reporter]] = {
        "json": JsonLinesReporter,
        "tap": TapReporter,
        "junit": JunitReporter,
        "markdown": MarkdownReporter,
        "github": lambda path: GithubReporter(path, suite.root),
        "codequality": lambda path: CodeQualityReporter(path, suite.root),
    }
    files = _report_files(arguments)
    return [maker(files[name]) for name, maker in makers.items() if name in files]


def case_count(text: str) -> int:
    """As `job_count`, but "auto" is one more, for cases that wait for a real program's timers.

    :raise ArgumentTypeError: as `job_count`.
    """
    return job_count(text) + (text == "auto")


def job_count(text: str) -> int:
    """Return the number of jobs that -j asks for; "auto" is one for each processor that we may use.

    :raise ArgumentTypeError: when it is neither "auto" nor a number from 1 on.
    """
    if text == "auto":
        return len(os.sched_getaffinity(0))
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is neither 'auto' nor a number from 1 on")
    return int(text)


def count(text: str) -> int:
    """Return a number from 0 on.

    :raise ArgumentTypeError: when it is none.
    """
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 on")
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
