"""Every schedule with at most two preemptions of the scenarios whose case takes one less, because it must be short."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.explore.explorer import explore
from harness.explore.scenarios import SCENARIOS
from harness.explore.strategies import Bounded
from harness.implementations import parse


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["crossing-writers", "two-jobs", "many-pieces"])
def test_no_schedule_with_two_preemptions_fails(name: str, tmp_path: Path) -> None:
    reference = parse("reference")
    report = explore(lambda: reference.open(tmp_path), SCENARIOS[name], Bounded(2), counts_classes=False)
    assert report.findings == []
    assert report.is_exhausted
    assert report.by_bound[2] > report.by_bound[1] > report.by_bound[0]
