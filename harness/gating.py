"""Decides whether a run is worse than an earlier one: what a gate before a merge wants to know.

A pair is a case on an implementation. Each is compared with itself in the baseline, and what is worse fails the gate:
a pass that fails, a pair that is gone, a known deviation that is stale or another one, a failure that comes earlier or
ends more violently. The same failure passes, and what is better is said. A pair that is worse is run again at once;
when the runs do not agree it is flaky, which is said with its rate and fails the gate unless that is allowed.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence

import msgspec

from harness.errors import UsageError
from harness.judge import SUITE_ITSELF
from harness.records import RawRun, Record, RunStatus, Verdict
from harness.report.annotations import differing_line
from harness.stored_runs import StoredRun

Pair = tuple[str, str]

#: How bad a verdict is; those that say nothing about the implementation are not here.
_RANK = {Verdict.PASS: 0, Verdict.KNOWN: 1, Verdict.SKIP: 2, Verdict.UNDECIDED: 3, Verdict.FAIL: 4, Verdict.BROKEN: 5}

#: How violently a failed run ended.
_VIOLENCE = {
    RunStatus.COMPLETED: 0,
    RunStatus.WRONG: 1,
    RunStatus.LEFT_BEHIND: 2,
    RunStatus.HANG: 3,
    RunStatus.CRASH: 4,
}


class Kind(enum.StrEnum):
    """What became of a pair."""

    SAME = "same"
    BETTER = "better"
    NEW = "new"
    CHANGED = "changed"
    FLAKY = "flaky"
    WORSE = "worse"
    VANISHED = "vanished"


#: What fails a gate.
FAILING = frozenset({Kind.FLAKY, Kind.WORSE, Kind.VANISHED})


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One pair, compared.

    :ivar reason: one line; "" for what is the same.
    :ivar record: of this run; None for what is gone.
    :ivar attempts: how many runs of a pair there were, and how many of them were worse.
    """

    pair: Pair
    kind: Kind
    reason: str = ""
    record: Record | None = None
    attempt_count: int = 1
    worse_count: int = 0


class Baseline:
    """An earlier run, as what later ones are measured by.

    :ivar pairs: its records by pair, renamed to this run's implementations.
    """

    def __init__(self, run: StoredRun, implementations: Sequence[str]) -> None:
        """Take a stored run.

        When both have one implementation the two are compared, whatever they are called: a build has another path in
        each checkout. Otherwise they are compared by name.

        :raise UsageError: when the run is not complete, or has none of an implementation.
        """
        if run.end is None:
            raise UsageError(f"the baseline {run.path} is not complete: it was killed, or still runs")
        if run.end.interrupted:
            raise UsageError(f"the baseline {run.path} is not complete: it was interrupted")
        theirs = run.header.implementations
        self.names = {name: name for name in theirs}
        if len(theirs) == 1 and len(implementations) == 1:
            self.names = {theirs[0]: implementations[0]}
        for name in implementations:
            if name not in self.names.values():
                raise UsageError(f"the baseline has no implementation '{name}': it has {', '.join(theirs)}")
        self.run = run
        self.pairs: dict[Pair, Record] = {
            (record.case, self.names.get(record.implementation, record.implementation)): record
            for record in run.records
        }

    def judge(self, record: Record) -> Change:
        """Compare a record with the same pair's in the baseline."""
        pair = (record.case, record.implementation)
        before = self.pairs.get(pair)
        if before is None:
            if _RANK.get(record.verdict, 0) >= _RANK[Verdict.FAIL]:
                return _change(pair, Kind.WORSE, f"new, and {_described(record)}", record)
            return _change(pair, Kind.NEW, f"new: {record.verdict}", record)
        if Verdict.UNAVAILABLE in (record.verdict, before.verdict):
            # Nothing is known of one of the two; that it could not be started is said by the run itself.
            kind = Kind.SAME if record.verdict is before.verdict else Kind.CHANGED
            return _change(pair, kind, f"was {_described(before)}, is {_described(record)}", record)
        difference = _RANK[record.verdict] - _RANK[before.verdict]
        if difference:
            kind = Kind.WORSE if difference > 0 else Kind.BETTER
            return _change(pair, kind, f"was {_described(before)}, is {_described(record)}", record)
        return _judge_alike(pair, before, record)

    def vanished(self, seen: Sequence[Record], is_asked_for: Callable[[str], bool]) -> list[Change]:
        """Return the pairs of the baseline that this run should have and has not.

        :param is_asked_for: says of a case's id whether this run was to have it, if it still exists.
        """
        present = {(record.case, record.implementation) for record in seen}
        return [
            Change(pair=pair, kind=Kind.VANISHED, reason=f"was {_described(before)}, is gone")
            for pair, before in self.pairs.items()
            if pair not in present and pair[1] != SUITE_ITSELF and is_asked_for(pair[0])
        ]


def _judge_alike(pair: Pair, before: Record, record: Record) -> Change:
    """Compare two records with one verdict."""
    if record.verdict is Verdict.KNOWN:
        if (before.reason, before.golden) != (record.reason, record.golden):
            reason = f"was {_described(before)}, is another deviation: {record.reason}"
            return _change(pair, Kind.WORSE, reason, record)
        return _change(pair, Kind.SAME, "", record)
    if record.verdict is not Verdict.FAIL:
        return _change(pair, Kind.SAME, "", record)
    violence = _VIOLENCE.get(record.run.status, 0) - _VIOLENCE.get(before.run.status, 0)
    if violence:
        kind = Kind.WORSE if violence > 0 else Kind.BETTER
        return _change(pair, kind, f"was {_described(before)}, is {_described(record)}", record)
    if before.run.transcript == record.run.transcript and before.reason == record.reason:
        return _change(pair, Kind.SAME, f"fails as before: {record.reason}", record)
    step_before, step = differing_line(before.diff), differing_line(record.diff)
    if before.golden == record.golden and before.diff and record.diff and step != step_before:
        kind = Kind.WORSE if step < step_before else Kind.BETTER
        return _change(pair, kind, f"failed at line {step_before}, fails at line {step}: {record.reason}", record)
    return _change(pair, Kind.CHANGED, f"fails otherwise than before: {record.reason}", record)


def slower(baseline: Baseline, records: Sequence[Record], factor: float) -> str:
    """Return a line when the pairs that both runs passed took more than ``factor`` times as long; else "".

    :param factor: above 0.
    """
    total_before_s = total_s = 0.0
    for record in records:
        before = baseline.pairs.get((record.case, record.implementation))
        if before is not None and before.verdict is record.verdict is Verdict.PASS:
            total_before_s += before.run.duration_s
            total_s += record.run.duration_s
    if total_before_s <= 0 or total_s <= factor * total_before_s:
        return ""
    return f"slower: {total_s:.1f} s instead of {total_before_s:.1f} s, more than {factor:g} times as long"


def gated_record(change: Change) -> Record:
    """Return the record as a gate's reports show it: what is not worse counts as passed, what is worse as failed."""
    record = change.record
    if record is None:
        run = RawRun(case=change.pair[0], implementation=change.pair[1], status=RunStatus.COMPLETED)
        return Record(run=run, verdict=Verdict.FAIL, reason=f"{change.kind}: {change.reason}")
    if change.kind in FAILING:
        verdict = record.verdict if record.verdict in (Verdict.FAIL, Verdict.BROKEN) else Verdict.FAIL
        return msgspec.structs.replace(record, verdict=verdict, reason=f"{change.kind}: {change.reason}")
    if record.verdict is Verdict.FAIL:
        return msgspec.structs.replace(record, verdict=Verdict.KNOWN, reason=f"in the baseline: {change.reason}")
    return record


def _change(pair: Pair, kind: Kind, reason: str, record: Record) -> Change:
    return Change(pair=pair, kind=kind, reason=reason, record=record, worse_count=int(kind is Kind.WORSE))


def _described(record: Record) -> str:
    return f"{record.verdict} ({record.reason})" if record.reason else record.verdict.value
