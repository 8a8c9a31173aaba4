"""A run from its selection to its stored results, for the commands that want the results more than the lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness import judge, running, stored_runs
from harness.cases import Case
from harness.judge import Judge
from harness.records import Record, exit_status
from harness.report import Reporter
from harness.running import Outcome, StoredResults
from harness.stored_runs import RESULTS_FILE, StoredRun
from harness.suite import Suite
from harness.supervisor import Supervisor


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to run, and how.

    :ivar cases: the selected ones. :ivar every_case: of the suite.
    :ivar checks_suite: whether the golden folder as a whole is judged, too.
    :ivar results: the results folder that the user named, if any.
    """

    suite: Suite
    every_case: list[Case]
    cases: list[Case]
    specs: list[str]
    jobs: int
    limit_s: float
    results: Path | None = None
    command: list[str] = []
    checks_suite: bool = False


class WholeRun:
    """Runs a plan and keeps what came of it.

    :ivar judge: of the suite. :ivar results: where it is kept. :ivar outcome: filled by ``run``.
    """

    def __init__(self, plan: Plan, repeat_options: tuple[str, ...] = ()) -> None:
        """Prepare the run and its folder; nothing is started.

        :raise UsageError: when a spec is not known, the deviations are wrong, or the results cannot be written.
        """
        self.plan = plan
        self.tasks = running.make_tasks(plan.cases, plan.specs)
        case_ids = [case.id for case in plan.every_case]
        self.judge: Judge = judge.load(plan.suite, case_ids, repeat_options)
        self.suite_records = self.judge.judge_suite(case_ids) if plan.checks_suite else []
        self.durations_s = stored_runs.durations_s(stored_runs.results_home(plan.results))
        header = stored_runs.make_header(
            suite=plan.suite.root,
            cases=plan.cases,
            tasks=self.tasks,
            command=plan.command,
            jobs=plan.jobs,
            limit_s=plan.limit_s,
        )
        self.results = StoredResults(plan.results, header)
        self.outcome = Outcome()

    def run(self, reporters: Sequence[Reporter]) -> StoredRun:
        """Run it, tell the reporters of each record, and return what was stored. The reporters are not finished.

        :raise MirrorcheckError: what broke it off; what was found out before is stored.
        """
        try:
            self.outcome = running.run_tasks(
                self.tasks,
                self.judge,
                reporters,
                self.results,
                jobs=self.plan.jobs,
                limit_s=self.plan.limit_s,
                suite_records=self.suite_records,
                durations_s=self.durations_s,
            )
            if self.outcome.error is not None:
                raise self.outcome.error
            self.results.finish(interrupted=self.outcome.interrupted, exit_status=exit_status(self.outcome.records))
        finally:
            self.results.close()
        return stored_runs.read(self.results.path / RESULTS_FILE)

    def run_again(self, record: Record, attempt: int) -> Record:
        """Run the pair of a record once more, by itself, and store it beside the first.

        Its folder is ``reruns/ATTEMPT/`` in the folder of the run, so that the first attempt's stays.

        :param attempt: 2 or more.
        :raise UsageError: when the results cannot be written.
        """
        tasks = [
            task for task in self.tasks if (task.case_id, task.implementation) == (record.case, record.implementation)
        ]
        if not tasks:  # about the suite itself: that does not depend on chance
            return record
        folder = self.results.path / "reruns" / str(attempt)
        with Supervisor(jobs=1, limit_s=self.plan.limit_s, results=folder) as supervisor:
            (run,) = supervisor.run(tasks)
        again = self.judge.judge(run)
        self.results.add(again, self.judge, attempt)
        return again
