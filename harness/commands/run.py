"""``mirrorcheck run``: run cases and say which implementation does what wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.commands import Subparsers, options
from harness.errors import EXIT_UNDECIDED
from harness.records import Record
from harness.report import STANDARD_OUTPUT, Reporter

if TYPE_CHECKING:
    from harness.report.terminal import TerminalReporter
    from harness.suite import Suite


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "run", help="run cases against implementations", description=__doc__, allow_abbrev=False
    )
    options.add_selection(parser)
    options.add_running(parser)
    options.add_suite(parser)
    options.add_reports(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="show only failures and the last line")
    return parser


def tell_coverage(
    records: Sequence[Record], suite: Suite, terminal: TerminalReporter, reporters: Sequence[Reporter]
) -> None:
    """Say at the end of a run of the whole suite what it showed of a job's life, and what it never did."""
    from harness import run_coverage
    from harness.implementations.reference import mutant_rows
    from harness.report.jsonlines import JsonLinesReporter

    for found in run_coverage.of_run(records, run_coverage.expectation(suite, mutant_rows())):
        for line in found.lines():
            terminal.note(line)
        for reporter in reporters:
            if isinstance(reporter, JsonLinesReporter):
                reporter.coverage(found.implementation, found.counts(), found.unseen())


def run(arguments: argparse.Namespace) -> int:
    """Run the selected cases and return the exit status of the whole."""
    from harness import judge, running, stored_runs
    from harness.records import exit_status
    from harness.report.terminal import TerminalReporter
    from harness.suite import Suite

    options.check_report_files(arguments)
    suite = Suite.find(arguments.suite)
    every_case, cases = options.selected(suite, arguments)
    tasks = running.make_tasks(cases, arguments.implementations or [options.DEFAULT_IMPLEMENTATION])
    limit_options = () if arguments.timeout == options.DEFAULT_LIMIT_S else ("--timeout", f"{arguments.timeout:g}")
    the_judge = judge.load(suite, [case.id for case in every_case], limit_options)
    # Whoever names cases works on those; the state of the rest is not his question.
    suite_records = [] if arguments.cases else the_judge.judge_suite([case.id for case in every_case])

    reports_own_output = not options.reports_use_standard_output(arguments)
    stream, stream_name = (sys.stdout, STANDARD_OUTPUT) if reports_own_output else (sys.stderr, "standard error")
    durations_s = stored_runs.durations_s(stored_runs.results_home(arguments.results))
    widths = (max(len(task.case_id) for task in tasks), max(len(task.implementation) for task in tasks))
    terminal = TerminalReporter(stream, stream_name=stream_name, quiet=arguments.quiet, widths=widths)
    terminal.expect(tasks, durations_s, arguments.jobs)
    header = stored_runs.make_header(
        suite=suite.root,
        cases=cases,
        tasks=tasks,
        command=arguments.command_line,
        jobs=arguments.jobs,
        limit_s=arguments.timeout,
    )
    results = running.StoredResults(arguments.results, header)
    reporters: list[Reporter] = [terminal]
    try:
        reporters += options.file_reporters(arguments, suite)
        outcome = running.run_tasks(
            tasks,
            the_judge,
            reporters,
            results,
            jobs=arguments.jobs,
            limit_s=arguments.timeout,
            suite_records=suite_records,
            durations_s=durations_s,
        )
        status = EXIT_UNDECIDED if outcome.interrupted else exit_status(outcome.records)
        if outcome.error is None:
            results.finish(interrupted=outcome.interrupted, exit_status=status)
        if suite.is_ours and len(cases) == len(every_case) and not outcome.interrupted:
            tell_coverage(outcome.records, suite, terminal, reporters)
        if results.is_worth_a_look:
            terminal.note(f"results: {results.path}")
        running.finish([*reporters[1:], terminal], outcome)  # the terminal's last line is the result
    finally:
        for reporter in reporters:
            reporter.close()
        results.close()
    return status
