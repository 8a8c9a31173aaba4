"""Of a set of mutants: which cases it fails, and which of its members would fail each of them alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from harness import judge
from harness.cases import Case
from harness.errors import HarnessBug
from harness.forks import Unanswered, in_processes
from harness.implementations import parse
from harness.mutants.case_runs import failing_cases
from harness.suite import Suite

TOGETHER = "only several together"


def responsible(
    members: Sequence[str], failed: Sequence[str], cases: Sequence[Case], suite: Suite, jobs: int
) -> dict[str, list[str]]:
    """By case that the set fails: the members that fail it alone, in the order of the set.

    :param failed: ids of the cases that the whole set fails. :param cases: all of the suite.
    :raise HarnessBug: when that cannot be found out.
    """
    chosen = [case for case in cases if case.id in set(failed)]
    found: dict[str, list[str]] = {case_id: [] for case_id in failed}
    answers = dict(in_processes(members, partial(_failing, chosen=chosen, cases=cases, suite=suite), jobs))
    for member in members:
        answer = answers[member]
        if isinstance(answer, Unanswered):
            raise HarnessBug(f"{member}: {answer.detail or answer.reason}")
        for case_id in answer:
            found[case_id].append(member)
    return found


def _failing(member: str, chosen: Sequence[Case], cases: Sequence[Case], suite: Suite) -> list[str]:
    judging = judge.load(suite, [case.id for case in cases])
    return failing_cases(chosen, parse(f"reference:{member}"), judging)


def lines(found: dict[str, list[str]]) -> list[str]:
    """What `responsible` found, a case a line."""
    width = max(map(len, found), default=0)
    return [f"{case_id:{width}}  {', '.join(members) or TOGETHER}" for case_id, members in found.items()]
