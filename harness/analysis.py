"""Judges a stored run again: today's filters, goldens and deviations on the transcripts of then.

So a golden that was wrong, a new variant or a known deviation can be tried on a run that took an hour, or that was made
on a machine that is gone.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from harness import filters, trace_checks, trace_file
from harness.errors import UsageError
from harness.judge import SUITE_ITSELF, Judge
from harness.records import RawRun, Record, RunStatus
from harness.report import visible
from harness.stored_runs import StoredRun


class Analysis(msgspec.Struct, kw_only=True):
    """What came of it.

    :ivar records: with their new verdicts. :ivar changes: a line for each verdict that is another one now.
    :ivar remarks: what else a person should know: missing records, cut lines.
    """

    records: list[Record]
    changes: list[str]
    remarks: list[str]


def analyze(run: StoredRun, judge: Judge, case_ids: Sequence[str]) -> Analysis:
    """Judge every record of a run again.

    :param case_ids: all cases of the suite; the golden folder is judged as a whole when it was then;
        empty leaves that out.
    """
    found = Analysis(records=[], changes=[], remarks=[])
    old_suite = [record for record in run.records if record.implementation == SUITE_ITSELF]
    if old_suite and case_ids:
        found.records += judge.judge_suite(list(case_ids))
    for record in run.records:
        if record.implementation == SUITE_ITSELF:
            continue
        folder = run.folder_of(record)
        raw = msgspec.structs.replace(
            record.run, transcript=refiltered(record.run.transcript), folder="" if folder is None else str(folder)
        )
        if folder is not None:
            raw = _with_checks(raw, run)
        judged = judge.judge(raw)
        found.records.append(judged)
        if judged.verdict is not record.verdict or judged.reason != record.reason:
            was = _described(record)
            found.changes.append(visible(f"{record.case} {record.implementation}: was {was}, is {_described(judged)}"))
    missing = run.missing()
    if missing:
        shown = ", ".join(f"{case} {implementation}" for case, implementation in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        found.remarks.append(visible(f"the run is not complete: no record of {shown}{more}"))
    if run.is_cut:
        found.remarks.append("the last line of the results is cut and was left out")
    return found


def refiltered(transcript: str) -> str:
    """Return a transcript as today's filters would have left it; one that is filtered already stays as it is."""
    return filters.GENERATED_NODE_NAME.sub("#blockNNN", transcript)


def _with_checks(raw: RawRun, run: StoredRun) -> RawRun:
    """Hold the trace against what must hold for every run; a violation is wrong behaviour."""
    path = run.path / raw.folder / trace_file.TRACE_FILE
    if raw.status is not RunStatus.COMPLETED or not path.is_file():
        return raw
    try:
        violations = trace_checks.violations(trace_file.read(path))
    except UsageError as error:
        return msgspec.structs.replace(raw, detail=str(error))
    if not violations:
        return raw
    return msgspec.structs.replace(raw, status=RunStatus.WRONG, reason=violations[0], detail="\n".join(violations))


def _described(record: Record) -> str:
    return f"{record.verdict} ({record.reason})" if record.reason else record.verdict.value
