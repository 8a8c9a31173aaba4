"""Records: they survive the way through JSON, and the worst verdict decides."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from fake_suite import make_record

from harness.records import Record, RunStatus, Verdict, exit_status


def test_record_through_json_is_equal() -> None:
    record = make_record(
        Verdict.FAIL,
        status=RunStatus.CRASH,
        features=["a", "b"],
        transcript="grün\n\x00\n",
        reason="crash: it ended",
        diff=["--- a", "+++ b"],
        golden="310-active-writes.out",
    )
    assert msgspec.json.decode(msgspec.json.encode(record), type=Record) == record


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([], 2),
        ([Verdict.PASS], 0),
        ([Verdict.KNOWN], 0),
        ([Verdict.PASS, Verdict.SKIP], 0),
        ([Verdict.SKIP], 2),
        ([Verdict.PASS, Verdict.UNDECIDED], 2),
        ([Verdict.PASS, Verdict.UNDECIDED, Verdict.UNAVAILABLE], 125),
        ([Verdict.PASS, Verdict.UNAVAILABLE, Verdict.FAIL], 1),
        ([Verdict.FAIL, Verdict.BROKEN], 255),
    ],
)
def test_exit_status_is_that_of_the_worst_verdict(verdicts: list[Verdict], status: int) -> None:
    for order in itertools.permutations(verdicts):
        assert exit_status(make_record(verdict) for verdict in order) == status
