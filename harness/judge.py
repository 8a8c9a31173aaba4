"""Gives the verdict: a raw run, its golden and the known deviations make a record.

This is the only place that decides whether an implementation conforms, and it decides from what was printed and what
was raised, never from how long anything took.
"""

from __future__ import annotations

import re
import shlex

import msgspec

from harness import difference
from harness.deviations import Deviation, Deviations
from harness.golden import Golden, GoldenError, Goldens
from harness.mixture import is_mixture
from harness.records import RawRun, Record, RunStatus, Verdict
from harness.suite import Suite

#: What the statuses mean that no golden and no deviation can change.
_PLAIN_VERDICTS = {
    RunStatus.SKIPPED: Verdict.SKIP,
    RunStatus.UNAVAILABLE: Verdict.UNAVAILABLE,
    RunStatus.CASE_ERROR: Verdict.BROKEN,
    RunStatus.BROKEN: Verdict.BROKEN,
}

#: The name under which problems of the golden folder itself appear where an implementation would.
SUITE_ITSELF = "suite"


class Judge:
    """Judges the runs of one suite."""

    def __init__(self, suite: Suite, deviations: Deviations, repeat_options: tuple[str, ...] = ()) -> None:
        """Make a judge.

        :param repeat_options: options of ``mirrorcheck run`` without which a run would not repeat, such as a limit.
        """
        self.goldens: Goldens = suite.goldens
        self.deviations = deviations
        self._suite_options = ("--suite", str(suite.root)) if suite.explicit else ()
        self._repeat_options = (*self._suite_options, *repeat_options)

    def judge(self, run: RawRun) -> Record:
        """Return the verdict on a run.

        A missing or unreadable golden fails the run by name; nothing a person may have got wrong raises.
        """
        run = _storable(run)
        if run.status in _PLAIN_VERDICTS:
            return self._record(run, _PLAIN_VERDICTS[run.status], run.reason)
        deviation = self.deviations.find(run.case, run.implementation, run.version, run.features)
        if run.status is RunStatus.COMPLETED:
            return self._judge_completed(run, deviation)
        if run.status is RunStatus.LEFT_BEHIND:
            return self._record(run, Verdict.FAIL, run.reason)
        return self._judge_stopped(run, deviation)

    def expected(self, record: Record) -> Golden | None:
        """Return the expected transcript that a record was compared with, if it can still be read."""
        if record.golden is None:
            return None
        try:
            return self.goldens.read(record.golden)
        except GoldenError:
            return None

    def judge_suite(self, case_ids: list[str]) -> list[Record]:
        """Return a failed record for each thing that is wrong with the golden folder as a whole.

        :param case_ids: all cases of the suite.
        """
        records = []
        command = shlex.join(["mirrorcheck", "list", "--check", *self._suite_options])
        for name, reason in self.goldens.problems(case_ids, self.deviations.transcripts()):
            run = RawRun(case=name, implementation=SUITE_ITSELF, status=RunStatus.COMPLETED)
            records.append(Record(run=run, verdict=Verdict.FAIL, reason=reason, golden=name, repeat_command=command))
        return records

    def _judge_completed(self, run: RawRun, deviation: Deviation | None) -> Record:
        try:
            golden = self.goldens.expected(run.case, run.features)
        except GoldenError as error:
            record = self._record(run, Verdict.FAIL, str(error))
            # Whoever writes a case wants to see what it prints before it has a golden.
            diff = difference.unified("", run.transcript, "/dev/null", "transcript")
            return msgspec.structs.replace(record, diff=diff)
        if run.transcript == golden.text:
            if deviation is None or deviation.varies:
                return self._record(run, Verdict.PASS, "", golden)
            return self._record(run, Verdict.FAIL, f"stale deviation: the case passes ({deviation.reason})", golden)
        if deviation is None:
            return self._record(run, Verdict.FAIL, f"the transcript differs from {golden.name}", golden)
        if deviation.golden_name is None:
            reason = f"the transcript differs from {golden.name}, and the known deviation is a {deviation.status}"
            return self._record(run, Verdict.FAIL, reason, golden)
        try:
            deviating = self.goldens.read(deviation.golden_name)
        except GoldenError as error:
            return self._record(run, Verdict.FAIL, str(error), golden)
        if run.transcript == deviating.text or (
            deviation.varies and is_mixture(*map(str.splitlines, (run.transcript, golden.text, deviating.text)))
        ):
            return self._record(run, Verdict.KNOWN, deviation.reason, deviating)
        reason = f"the transcript differs from {golden.name} and from the known deviation's {deviating.name}"
        return self._record(run, Verdict.FAIL, reason, deviating)

    def _judge_stopped(self, run: RawRun, deviation: Deviation | None) -> Record:
        """Judge a hang, a crash or a failed check; the golden shows how far the run came."""
        if deviation is not None:
            if deviation.status == run.status.value and (
                deviation.message is None or re.fullmatch(deviation.message, run.reason)
            ):
                return self._record(run, Verdict.KNOWN, deviation.reason)
            expected = deviation.golden_name or f"{deviation.status} {deviation.message or ''}".strip()
            reason = f"{run.status}: {run.reason} (the known deviation is {expected})"
        else:
            reason = f"{run.status}: {run.reason}"
        try:
            golden = self.goldens.expected(run.case, run.features)
        except GoldenError:
            return self._record(run, Verdict.FAIL, reason)
        return self._record(run, Verdict.FAIL, reason, golden)

    def _record(self, run: RawRun, verdict: Verdict, reason: str, golden: Golden | None = None) -> Record:
        diff: list[str] = []
        if golden is not None and verdict is Verdict.FAIL:
            diff = difference.unified(golden.text, run.transcript, f"golden/{golden.name}", "transcript")
        return Record(
            run=run,
            verdict=verdict,
            reason=reason,
            diff=diff,
            golden=None if golden is None else golden.name,
            repeat_command=self.repeat_command(run.case, run.implementation),
        )

    def repeat_command(self, case_id: str, implementation: str) -> str:
        """Return the one command that runs a case against an implementation again."""
        return shlex.join(["mirrorcheck", "run", case_id, "--impl", implementation, *self._repeat_options])


def load(suite: Suite, case_ids: list[str], repeat_options: tuple[str, ...] = ()) -> Judge:
    """Return the judge of a suite, with the deviations that it knows.

    :raise UsageError: when deviations.toml is wrong.
    """
    return Judge(suite, Deviations.load(suite.goldens.folder, case_ids), repeat_options)


def _storable(run: RawRun) -> RawRun:
    """Return the run with text that can be written anywhere: a lone surrogate becomes visible, and a difference."""
    fixed = {}
    for name in ("reason", "detail", "transcript"):
        text: str = getattr(run, name)
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            fixed[name] = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return msgspec.structs.replace(run, **fixed) if fixed else run
