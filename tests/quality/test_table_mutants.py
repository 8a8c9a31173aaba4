"""Each cell of the tables of job states and verbs, flipped, is noticed by the case that `tables.toml` names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from harness import judge
from harness.implementations import parse
from harness.implementations.reference import table_mutants
from harness.mutants import tables
from harness.mutants.case_runs import reason_to_fail
from harness.suite import Suite

KNOWN = tables.known_killers()


def rows() -> Iterator[tuple[str, list[str]]]:
    """Each row of a table with its cells."""
    for row, names in groupby(KNOWN, key=lambda name: "-".join(name.split("-")[:2])):
        yield row, list(names)


def test_every_cell_has_a_case() -> None:
    assert list(KNOWN) == list(table_mutants())
    assert len(KNOWN) == 11 * 11 + 8 * 11


@pytest.mark.slow
@pytest.mark.parametrize(("row", "names"), list(rows()), ids=[row for row, _ in rows()])
def test_flipped_cell_is_noticed_by_its_case(row: str, names: list[str]) -> None:
    suite = Suite.find(Path(__file__).parents[2])
    cases = {case.id: case for case in suite.cases()}
    judging = judge.load(suite, list(cases))
    for name in names:
        assert reason_to_fail(cases[KNOWN[name]], parse(f"reference:{name}"), judging) is not None, name
