"""Runs selected cases against implementations: supervisor, judge and reporters put together.

Used by every command that runs cases. The pytest plug-in runs one task at a time and so has a loop of its own, over
the same supervisor and judge.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from harness import artefacts, stored_runs
from harness.artefacts import UNREMARKABLE
from harness.cases import Case
from harness.errors import MirrorcheckError, UsageError
from harness.judge import Judge
from harness.records import Record, Task
from harness.report import Reporter
from harness.stored_runs import Header, RecordLine, RunWriter
from harness.supervisor import Supervisor


def make_tasks(cases: Iterable[Case], specs: Sequence[str]) -> list[Task]:
    """Return a task for each case and implementation, case by case.

    :param specs: the implementations' specs as the user gave them.
    :raise UsageError: when a spec is not known or given twice.
    """
    from harness import implementations  # only here: it knows every program that it may have to start

    specs = [absolute_spec(spec) for spec in specs]
    for index, spec in enumerate(specs):
        if spec in specs[:index]:
            raise UsageError(f"the implementation '{spec}' is given twice")
        implementations.parse(spec)
    return [
        Task(case_path=str(case.path), case_id=case.id, implementation=spec, needs=list(case.needs))
        for case in cases
        for spec in specs
    ]


def absolute_spec(spec: str) -> str:
    """Return a spec that means the same in every folder: a worker runs in one of its own."""
    kind, colon, detail = spec.partition(":")
    if os.sep in detail and os.path.exists(detail):
        return f"{kind}{colon}{os.path.abspath(detail)}"
    return spec


class ResultsFolder:
    """Where the folders of the runs lie: the one the user named, kept whole, or a temporary one.

    Of a temporary one only the folders of runs that did not pass stay, and all of it goes when there is none.
    """

    def __init__(
        self,
        named: Path | None,
        is_remarkable: Callable[[Record], bool] = lambda record: record.verdict not in UNREMARKABLE,
    ) -> None:
        """Make the folder.

        :param is_remarkable: says whether the folder of a run is worth keeping.
        :raise UsageError: when it cannot be made or written; the text names it and the reason.
        """
        self.is_named = named is not None
        self._is_remarkable = is_remarkable
        self._has_failures = False
        try:
            if named is None:
                self.path = Path(tempfile.mkdtemp(prefix="mirrorcheck-results-"))
            else:
                self.path = named.absolute()
                self.path.mkdir(parents=True, exist_ok=True)
                tempfile.TemporaryFile(dir=self.path).close()
        except OSError as error:
            where = f"the results folder {named}" if named is not None else "a temporary folder for results"
            raise UsageError(f"cannot write {where}: {error.strerror}") from error

    def add(self, record: Record, judge: Judge) -> None:
        """Write the files about one record, or remove its folder.

        :raise UsageError: when they cannot be written.
        """
        is_remarkable = self._is_remarkable(record)
        if not is_remarkable and not self.is_named:
            artefacts.discard(record)
            return
        self._has_failures |= is_remarkable and bool(record.run.folder)
        artefacts.write(record, judge.expected(record))

    def close(self) -> None:
        """Remove a temporary folder in which nothing is worth keeping."""
        if not self.is_named and not self._has_failures:
            shutil.rmtree(self.path, ignore_errors=True)

    @property
    def is_kept(self) -> bool:
        """Whether there is something to look at."""
        return self.is_named or self._has_failures


class Results(Protocol):
    """Where the folders of the runs lie, and what is told of each."""

    path: Path

    def add(self, record: Record, judge: Judge) -> None:
        """Keep what there is to keep of one record."""


class StoredResults:
    """A run that is kept as data, for whoever analyzes, compares or shows it later.

    :ivar path: the folder of the run.
    """

    def __init__(self, named: Path | None, header: Header) -> None:
        """Begin the run.

        :param named: the results folder that the user named; None is his usual one, of which only the last runs stay,
            or a temporary one where that cannot be written (a home that is not there, or read-only).
        :raise UsageError: when the named one cannot be written.
        """
        self._is_named = named is not None
        self._has_failures = False
        if named is not None:
            self._check(named)
        try:
            keep_count = None if self._is_named else stored_runs.KEPT_RUNS_COUNT
            self._writer = RunWriter(stored_runs.results_home(named), header, keep_count=keep_count)
        except UsageError:
            if self._is_named:
                raise
            self._writer = RunWriter(Path(tempfile.mkdtemp(prefix="mirrorcheck-results-")), header)
        self.path = self._writer.path

    @staticmethod
    def _check(named: Path) -> None:
        try:
            named.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write the results folder {named}: {error.strerror}") from error

    def add(self, record: Record, judge: Judge, attempt: int = 1) -> None:
        """Append the record, and write the files about it when there is something to look at.

        :raise UsageError: when they cannot be written.
        """
        self._writer.add(RecordLine(record=record, attempt=attempt))
        is_remarkable = record.verdict not in UNREMARKABLE
        self._has_failures |= is_remarkable and bool(record.run.folder)
        if is_remarkable or self._is_named:
            artefacts.write(record, judge.expected(record))

    def finish(self, *, interrupted: bool, exit_status: int) -> None:
        """Say in the results that the run has come to its end.

        :raise UsageError: when that cannot be written.
        """
        self._writer.finish(interrupted=interrupted, exit_status=exit_status)

    def close(self) -> None:
        """Close the results. May be called twice."""
        self._writer.close()

    @property
    def is_worth_a_look(self) -> bool:
        """Whether the user asked for the results or should look at them."""
        return self._is_named or self._has_failures


class Outcome:
    """What came of a run.

    :ivar records: in the order in which they finished.
    :ivar interrupted: the user stopped it, or an error did; records are missing.
    :ivar error: what made it impossible to go on: a report or the results cannot be written.
    """

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.interrupted = False
        self.error: MirrorcheckError | None = None


def run_tasks(
    tasks: Sequence[Task],
    judge: Judge,
    reporters: Sequence[Reporter],
    results: Results,
    *,
    jobs: int,
    limit_s: float,
    suite_records: Sequence[Record] = (),
    durations_s: Mapping[tuple[str, str], float] | None = None,
) -> Outcome:
    """Run all tasks, judge each, and tell the reporters of each as it finishes.

    An interruption or an error ends it early and cleanly: every child is gone when this returns. The reporters are
    not finished here, because their last lines say where the results are.

    :param limit_s: limit of one case, in seconds.
    :param suite_records: records about the suite itself, reported first.
    :param durations_s: how long each pair of implementation and case took before; the longest begin first.
    """
    outcome = Outcome()

    def tell(record: Record) -> None:
        outcome.records.append(record)
        error: MirrorcheckError | None = None
        for reporter in reporters:
            try:
                reporter.record(record)
            except MirrorcheckError as reporter_error:  # the others can still be told
                error = error or reporter_error
        if error is not None:
            raise error

    for reporter in reporters:
        reporter.start(len(suite_records) + len(tasks))
    try:
        for record in suite_records:
            results.add(record, judge)
            tell(record)
        # One after the other takes as long in any order, and then the order of the cases reads best.
        known_s = durations_s if jobs > 1 else None
        with Supervisor(
            jobs=min(jobs, len(tasks)), limit_s=limit_s, results=results.path, durations_s=known_s
        ) as supervisor:
            for run in supervisor.run(tasks):
                record = judge.judge(run)
                try:
                    results.add(record, judge)
                finally:  # a full disk must not lose a verdict that is already known
                    tell(record)
    except KeyboardInterrupt:
        outcome.interrupted = True
    except MirrorcheckError as error:
        outcome.interrupted = True
        outcome.error = error
    return outcome


def finish(reporters: Sequence[Reporter], outcome: Outcome) -> None:
    """Finish all reporters, then raise what broke the run off, if anything did.

    What was found out before the disk was full is still told, in every report that can be written.

    :raise MirrorcheckError: what broke the run off, else the first report that cannot be written.
    """
    error = outcome.error
    for reporter in reporters:
        try:
            reporter.finish(outcome.records, interrupted=outcome.interrupted)
        except MirrorcheckError as reporter_error:
            error = error or reporter_error
    if error is not None:
        raise error
