"""``mirrorcheck gate``: run cases and fail when an implementation is worse than it was in an earlier run."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import msgspec

from harness.commands import Subparsers, options
from harness.errors import (
    EXIT_BROKEN,
    EXIT_NOT_CONFORMING,
    EXIT_PASSED,
    EXIT_UNAVAILABLE,
    EXIT_UNDECIDED,
    MirrorcheckError,
)
from harness.gating import FAILING, Baseline, Change, Kind, gated_record, slower
from harness.records import Record, Verdict
from harness.report import Reporter, visible

if TYPE_CHECKING:
    from harness.whole_run import WholeRun

DEFAULT_RERUN_COUNT = 3


def add_parser(subparsers: Subparsers) -> argparse.ArgumentParser:
    """Add the command's options."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "gate", help="fail on any change for the worse", description=__doc__, allow_abbrev=False
    )
    options.add_selection(parser)
    parser.add_argument(
        "--against", metavar="BASELINE", required=True, help="the stored run that this one is measured by"
    )
    parser.add_argument("--run", metavar="RUN", help="gate a stored run instead of running anything")
    parser.add_argument(
        "--rerun",
        metavar="N",
        type=options.count,
        default=DEFAULT_RERUN_COUNT,
        help=f"run what is worse again so often, at once (default: {DEFAULT_RERUN_COUNT}; 0: never)",
    )
    parser.add_argument("--allow-flaky", action="store_true", help="say what is flaky, and do not fail for it")
    parser.add_argument(
        "--slower-than",
        metavar="FACTOR",
        type=options.seconds,
        help="fail also when the cases that pass take more than so many times as long in all",
    )
    options.add_running(parser)
    options.add_suite(parser)
    options.add_reports(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="show only what fails the gate and the last lines")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run, compare with the baseline, and say what is better and what is worse."""
    from harness import running, stored_runs

    options.check_report_files(arguments)
    if arguments.run is not None:
        stored = stored_runs.read(stored_runs.find(arguments.run, arguments.results))
        baseline = _baseline(arguments, stored.header.implementations)
        gate = _Gate(arguments, baseline, stored.header.suite)
        try:
            gate.start(len(stored.records))
            for record in stored.records:
                gate.record(record)
            return gate.conclude(stored.records, interrupted=not stored.is_complete, is_whole=True)
        finally:
            gate.close()
    specs = arguments.implementations or [options.DEFAULT_IMPLEMENTATION]
    baseline = _baseline(arguments, [running.absolute_spec(spec) for spec in specs])
    return _run_and_gate(arguments, baseline, specs)


def _baseline(arguments: argparse.Namespace, implementations: Sequence[str]) -> Baseline:
    from harness import stored_runs

    return Baseline(stored_runs.read(stored_runs.find(arguments.against, arguments.results)), implementations)


def _run_and_gate(arguments: argparse.Namespace, baseline: Baseline, specs: Sequence[str]) -> int:
    from harness.suite import Suite
    from harness.whole_run import Plan, WholeRun

    suite = Suite.find(arguments.suite)
    every_case, cases = options.selected(suite, arguments)
    is_whole = not (arguments.cases or arguments.group or arguments.exclude_group)
    plan = Plan(
        suite=suite,
        every_case=every_case,
        cases=cases,
        specs=list(specs),
        jobs=arguments.jobs,
        limit_s=arguments.timeout,
        results=arguments.results,
        command=arguments.command_line,
        checks_suite=is_whole,
    )
    whole = WholeRun(plan)
    gate = _Gate(arguments, baseline, str(suite.root), whole.run_again)
    try:
        gate.expect(whole)
        error: MirrorcheckError | None = None
        try:
            whole.run([gate])
        except MirrorcheckError as run_error:
            error = run_error
        gate.note(f"results: {whole.results.path}")
        status = gate.conclude(
            whole.outcome.records,
            interrupted=whole.outcome.interrupted,
            is_whole=is_whole,
            asked_for={case.id for case in cases} | _gone(baseline, arguments, {case.id for case in every_case}),
        )
        if error is not None:
            raise error
        return status
    finally:
        gate.close()


def _gone(baseline: Baseline, arguments: argparse.Namespace, present: set[str]) -> set[str]:
    """Return the ids of the cases of the baseline that were asked for by group and are not in the suite now.

    A case that is named and does not exist is refused before; so only groups can ask for one.
    """
    if arguments.cases:
        return set()
    return {
        info.id
        for info in baseline.run.header.cases
        if info.id not in present
        and (not arguments.group or set(arguments.group) & set(info.groups))
        and not set(arguments.exclude_group) & set(info.groups)
    }


class _Gate:
    """Takes the records of a run as they come, compares each, and tells the real reporters of what that means."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        baseline: Baseline,
        suite_root: str,
        run_again: Callable[[Record, int], Record] | None = None,
    ) -> None:
        from harness.report.terminal import TerminalReporter

        self._arguments = arguments
        self._baseline = baseline
        self._run_again = run_again
        self._changes: list[Change] = []
        to_error = options.reports_use_standard_output(arguments)
        stream, name = (sys.stderr, "standard error") if to_error else (sys.stdout, "-")
        self._terminal = TerminalReporter(stream, stream_name=name, quiet=True)
        suite = options.suite_of_run(arguments.suite, suite_root)
        self._reporters: list[Reporter] = [*options.file_reporters(arguments, suite), self._terminal]

    def expect(self, whole: WholeRun) -> None:
        """Learn what is to come, for the progress line."""
        self._terminal.expect(whole.tasks, whole.durations_s, self._arguments.jobs)

    def start(self, total_count: int) -> None:
        """Begin."""
        for reporter in self._reporters:
            reporter.start(total_count)

    def record(self, record: Record) -> None:
        """Compare one record, running it again at once when it is worse, and tell of it."""
        change = self._baseline.judge(record)
        if change.kind is Kind.WORSE and self._run_again is not None and self._arguments.rerun:
            change = self._try_again(change)
        self._tell(change)

    def _try_again(self, change: Change) -> Change:
        assert change.record is not None
        assert self._run_again is not None
        again = [self._run_again(change.record, attempt) for attempt in range(2, self._arguments.rerun + 2)]
        worse_count = 1 + sum(self._baseline.judge(record).kind is Kind.WORSE for record in again)
        attempt_count = 1 + len(again)
        if worse_count == attempt_count:
            return msgspec.structs.replace(change, attempt_count=attempt_count, worse_count=worse_count)
        reason = f"worse in {worse_count} of {attempt_count} attempts: {change.reason}"
        return msgspec.structs.replace(
            change, kind=Kind.FLAKY, reason=reason, attempt_count=attempt_count, worse_count=worse_count
        )

    def _tell(self, change: Change) -> None:
        self._changes.append(change)
        shown = gated_record(change)
        if change.kind is Kind.FLAKY and self._arguments.allow_flaky:
            shown = msgspec.structs.replace(shown, verdict=Verdict.KNOWN)
        for reporter in self._reporters:
            reporter.record(shown)

    def finish(self, records: Sequence[Record], *, interrupted: bool) -> None:
        """Do nothing: ``conclude`` knows more."""

    def note(self, text: str) -> None:
        """Show one more line."""
        self._terminal.note(visible(text))

    def conclude(
        self,
        records: Sequence[Record],
        *,
        interrupted: bool,
        is_whole: bool,
        asked_for: set[str] | None = None,
    ) -> int:
        """Tell of what is gone, better and worse, finish the reports, and return the exit status.

        :param is_whole: the run was to have every case, so that each one of the baseline that is missing is gone.
        """
        if not interrupted:
            for change in self._baseline.vanished(
                records, lambda case: is_whole or asked_for is None or case in asked_for
            ):
                self._tell(change)
        for kind in (Kind.BETTER, Kind.CHANGED, Kind.NEW):
            if kind is Kind.BETTER or not self._arguments.quiet:
                for change in self._changes:
                    if change.kind is kind:
                        self.note(f"{kind}: {change.pair[0]} {change.pair[1]}: {change.reason}")
        if self._arguments.allow_flaky:
            for change in self._changes:
                if change.kind is Kind.FLAKY:
                    self.note(f"flaky: {change.pair[0]} {change.pair[1]}: {change.reason}")
        slow = ""
        if self._arguments.slower_than is not None and not interrupted:
            slow = slower(self._baseline, records, self._arguments.slower_than)
        counts = [(kind, sum(change.kind is kind for change in self._changes)) for kind in Kind]
        said = ", ".join(f"{number} {kind}" for kind, number in counts if number) or "nothing ran"
        shown = [gated_record(change) for change in self._changes]
        for reporter in self._reporters:
            if reporter is not self._terminal:
                reporter.finish(shown, interrupted=interrupted)
        if slow:
            self.note(slow)
        status = self._status(records, interrupted=interrupted, is_slow=bool(slow))
        self.note(f"gate {_WORDS.get(status, 'undecided')}: {'interrupted: ' if interrupted else ''}{said}")
        return status

    def _status(self, records: Sequence[Record], *, interrupted: bool, is_slow: bool) -> int:
        if interrupted:
            return EXIT_UNDECIDED
        failing = FAILING - {Kind.FLAKY} if self._arguments.allow_flaky else FAILING
        bad = [change for change in self._changes if change.kind in failing]
        if any(change.record is not None and change.record.verdict is Verdict.BROKEN for change in bad):
            return EXIT_BROKEN
        if bad or is_slow:
            return EXIT_NOT_CONFORMING
        if any(record.verdict is Verdict.UNAVAILABLE for record in records):
            return EXIT_UNAVAILABLE
        if all(record.verdict in (Verdict.SKIP, Verdict.UNDECIDED) for record in records):
            return EXIT_UNDECIDED
        return EXIT_PASSED

    def close(self) -> None:
        """Close all reports."""
        for reporter in self._reporters:
            reporter.close()


_WORDS = {
    EXIT_PASSED: "passed",
    EXIT_NOT_CONFORMING: "failed",
    EXIT_BROKEN: "failed",
    EXIT_UNAVAILABLE: "undecided (the implementation could not be started)",
}
