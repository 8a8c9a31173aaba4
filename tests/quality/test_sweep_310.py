"""A sweep of case 310 on the reference: a thousand faults, and never a violation."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import case_run
from harness.cases import select
from harness.faults.sweep import Sweep
from harness.implementations.reference import Reference
from harness.suite import Suite

EVERY = 7
"""Of more than 7000 faults every seventh: the whole sweep takes minutes, and is one command."""


@pytest.mark.slow
def test_sweep_of_310_on_the_reference_has_a_thousand_runs_and_no_violation() -> None:
    suite = Suite.find(Path(__file__).parents[2])
    (case,) = select(suite.cases(), ["310"])
    table = Sweep(case_run.load(case), Reference(), every=EVERY).table()
    assert table.runs_count >= 1000
    assert table.violations == []
