"""Runs selected cases against implementations: supervisor, judge and reporters put together.

Used by every command that runs cases. The pytest plug-in runs one task at a time and so has a loop of its own, over
the same supervisor and judge.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from harness import artefacts
from harness.artefacts import UNREMARKABLE
from harness.cases import Case
from harness.errors import MirrorcheckError, UsageError
from harness.judge import Judge
from harness.records import Record, Task
from harness.report import Reporter
from harness.supervisor import Supervisor


def make_tasks(cases: Iterable[Case], specs: Sequence[str]) -> list[Task]:
    """Return a task for each case and implementation, case by case.

    :param specs: the implementations' specs as the user gave them.
    :raise UsageError: when a spec is not known or given twice.
    """
    from harness import implementations  # only here: it knows every program that it may have to start

    specs = [_absolute_spec(spec) for spec in specs]
    for index, spec in enumerate(specs):
        if spec in specs[:index]:
            raise UsageError(f"the implementation '{spec}' is given twice")
        implementations.parse(spec)
    return [
        Task(case_path=str(case.path), case_id=case.id, implementation=spec, needs=list(case.needs))
        for case in cases
        for spec in specs
    ]


def _absolute_spec(spec: str) -> str:
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
    results: ResultsFolder,
    *,
    jobs: int,
    limit_s: float,
    suite_records: Sequence[Record] = (),
) -> Outcome:
    """Run all tasks, judge each, and tell the reporters of each as it finishes.

    An interruption or an error ends it early and cleanly: every child is gone when this returns. The reporters are
    not finished here, because their last lines say where the results are.

    :param limit_s: limit of one case, in seconds.
    :param suite_records: records about the suite itself, reported first.
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
            tell(record)
        with Supervisor(jobs=min(jobs, len(tasks)), limit_s=limit_s, results=results.path) as supervisor:
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
