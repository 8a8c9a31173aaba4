"""``mirrorcheck update``: run the named cases and make what they print their goldens.

Where a known deviation applies, its own transcript changes and the golden stays: what an implementation does wrong
must never become what all others are measured by. Nothing is written unless every named case completed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from harness.commands import Subparsers, options
from harness.errors import EXIT_PASSED, EXIT_UNDECIDED, UsageError
from harness.judge import Judge
from harness.records import Record, RunStatus, exit_status
from harness.report import Reporter


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "update", help="change the goldens of the named cases", description=__doc__, allow_abbrev=False
    )
    options.add_selection(parser)
    parser.add_argument("--all-changed", action="store_true", help="take every case instead of naming some")
    options.add_running(parser)
    options.add_suite(parser)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run, show every difference, and write."""
    from harness import golden, judge, running
    from harness.report import visible
    from harness.report.terminal import TerminalReporter
    from harness.suite import Suite

    golden.refuse_in_ci()
    if arguments.all_changed == bool(arguments.cases):
        raise UsageError("name the cases to update, or say --all-changed, and not both")
    suite = Suite.find(arguments.suite)
    every_case, cases = options.selected(suite, arguments)
    tasks = running.make_tasks(cases, arguments.implementations or [options.DEFAULT_IMPLEMENTATION])
    the_judge = judge.load(suite, [case.id for case in every_case])
    # That a transcript differs is expected here and worth no folder; that a run did not complete is.
    results = running.ResultsFolder(arguments.results, is_remarkable=lambda record: not _is_usable(record))
    collector = _Collector(TerminalReporter(sys.stdout, quiet=True))
    try:
        outcome = running.run_tasks(
            tasks, the_judge, [collector], results, jobs=arguments.jobs, limit_s=arguments.timeout
        )
        if outcome.error is not None:
            raise outcome.error
        if outcome.interrupted:
            options.write_output("interrupted: nothing was written\n")
            return EXIT_UNDECIDED
        stopped = [record for record in outcome.records if not _is_usable(record)]
        if stopped:
            options.write_output(f"nothing was written: {len(stopped)} of {len(tasks)} runs did not complete\n")
            options.write_output(f"results: {results.path}\n" if results.is_kept else "")
            return exit_status(stopped)
        completed = [record for record in outcome.records if record.run.status is RunStatus.COMPLETED]
        changes = suite.goldens.update(_transcripts(the_judge, completed))
    finally:
        collector.close()
        results.close()
    for change in changes:
        options.write_output("".join(f"{visible(line)}\n" for line in change.diff))
    skipped_count = len(outcome.records) - len(completed)
    note = f", {skipped_count} skipped" if skipped_count else ""
    options.write_output(f"{len(changes)} of {len(completed)} goldens changed{note}\n")
    return EXIT_PASSED if completed else EXIT_UNDECIDED


class _Collector:
    """Shows only the runs that keep an update from being made."""

    def __init__(self, terminal: Reporter) -> None:
        self._terminal = terminal

    def start(self, total_count: int) -> None:
        self._terminal.start(total_count)

    def record(self, record: Record) -> None:
        if not _is_usable(record):
            self._terminal.record(record)

    def finish(self, records: Sequence[Record], *, interrupted: bool) -> None:
        """Say nothing: what was written is said instead."""

    def close(self) -> None:
        self._terminal.close()


def _is_usable(record: Record) -> bool:
    return record.run.status in (RunStatus.COMPLETED, RunStatus.SKIPPED)


def _transcripts(judge: Judge, records: Sequence[Record]) -> dict[str, str]:
    """Return the new text of each file, by its name in the golden folder.

    :raise UsageError: when two implementations would write different texts into one file, or a known deviation says
        that the case cannot complete.
    """
    texts: dict[str, str] = {}
    writers: dict[str, str] = {}
    for record in records:
        run = record.run
        deviation = judge.deviations.find(run.case, run.implementation, run.version, run.features)
        if deviation is None:
            name = judge.goldens.name_for(run.case, run.features)
        elif deviation.golden_name is None:
            raise UsageError(
                f"{run.case} completed on {run.implementation}, but a known deviation says {deviation.status}; "
                "mend deviations.toml first"
            )
        else:
            name = deviation.golden_name
        if texts.setdefault(name, run.transcript) != run.transcript:
            raise UsageError(f"{writers[name]} and {run.implementation} disagree about {name}; nothing was written")
        writers.setdefault(name, run.implementation)
    return texts
