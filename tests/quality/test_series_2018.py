"""The page about the series of 2018 says what `mirrorcheck mutants v4` finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness import judge
from harness.implementations import parse
from harness.implementations.reference import members_of
from harness.mutants.case_runs import failing_cases, is_plain, reason_to_fail
from harness.mutants.responsible import responsible
from harness.suite import Suite

ROOT = Path(__file__).parents[2]


def page() -> dict[str, list[str]]:
    """By case, the mutants that are named beside it."""
    text = (ROOT / "docs" / "series-2018.md").read_text("utf-8")
    rows = re.findall(r"^\| ([0-9]{3}-\S+) \| (.*) \|$", text, re.MULTILINE)
    return {case: re.findall(r"`([a-z0-9-]+)`", names) for case, names in rows}


def test_page_names_members_of_the_set_and_a_reason_for_each_case() -> None:
    members = members_of("v4")
    for case, names in page().items():
        assert names, case
        assert set(names) <= set(members), case


@pytest.mark.slow
@pytest.mark.parametrize("mutant", sorted({names[0] for names in page().values()}))
def test_mutant_fails_the_case_that_it_is_named_for(mutant: str) -> None:
    suite = Suite.find(ROOT)
    cases = {case.id: case for case in suite.cases()}
    judging = judge.load(suite, list(cases))
    case = next(case for case, names in page().items() if names[0] == mutant)
    assert reason_to_fail(cases[case], parse("reference:v4"), judging) is not None
    assert reason_to_fail(cases[case], parse(f"reference:{mutant}"), judging) is not None


@pytest.mark.nightly
def test_page_is_what_the_command_finds() -> None:
    suite = Suite.find(ROOT)
    cases = suite.cases()
    judging = judge.load(suite, [case.id for case in cases])
    failed = failing_cases([case for case in cases if is_plain(case)], parse("reference:v4"), judging)
    assert responsible(members_of("v4"), failed, cases, suite, jobs=2) == page()
