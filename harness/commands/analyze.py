"""``mirrorcheck analyze``: judge the transcripts of a stored run again, without running anything."""

from __future__ import annotations

import argparse
import sys

from harness.commands import Subparsers, options
from harness.errors import EXIT_PASSED, EXIT_UNDECIDED


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "analyze", help="judge a stored run again", description=__doc__, allow_abbrev=False
    )
    options.add_stored_run(parser)
    options.add_suite(parser)
    options.add_reports(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="show only failures and the last line")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Judge again and return the exit status that the run would have now; 2 when it passes and is not complete."""
    from harness import analysis, judge, stored_runs
    from harness.records import exit_status
    from harness.report.terminal import TerminalReporter

    options.check_report_files(arguments)
    run = stored_runs.read(stored_runs.find(arguments.run, arguments.results))
    suite = options.suite_of_run(arguments.suite, run.header.suite)
    case_ids = [case.id for case in suite.cases()]
    found = analysis.analyze(run, judge.load(suite, case_ids), case_ids)

    to_error = options.reports_use_standard_output(arguments)
    stream, stream_name = (sys.stderr, "standard error") if to_error else (sys.stdout, "-")
    terminal = TerminalReporter(stream, stream_name=stream_name, quiet=arguments.quiet)
    reporters = [*options.file_reporters(arguments, suite), terminal]
    try:
        for reporter in reporters:
            reporter.start(len(found.records))
        for record in found.records:
            for reporter in reporters:
                reporter.record(record)
        for text in [*found.changes, *found.remarks]:
            terminal.note(text)
        for reporter in reporters:
            reporter.finish(found.records, interrupted=False)
    finally:
        for reporter in reporters:
            reporter.close()
    status = exit_status(found.records)
    return EXIT_UNDECIDED if status == EXIT_PASSED and not run.is_complete else status
