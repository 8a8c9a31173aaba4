"""Mistakes in the modes of docs/modes.md are found by exploring the scenarios of cases 870 to 890.

Each row is a mutant, the scenario that shows it, how many preemptions that takes, and the schedules that are allowed:
what was measured, rounded up. Mistakes that only a transcript shows are found by cases 800 to 860.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.explore.explorer import explore
from harness.explore.report import Budget
from harness.explore.scenarios import SCENARIOS
from harness.explore.strategies import Bounded
from harness.implementations import parse

FOUND = [
    ("async-range-free-when-answered", "async-writer", 1, 50),
    ("async-overtakes-copy", "async-writer", 1, 100),
    ("async-large-write-waits-for-ever", "async-large-write", 0, 10),
    ("async-write-without-room-is-dirty", "async-overlapping-writers", 1, 100),
    ("async-guest-waits-for-target", "async-writer", 1, 50),
    ("async-failed-source-write-forgotten", "async-source-error", 0, 10),
    ("async-failed-source-write-marked-at-once", "async-source-error", 2, 1000),
    ("async-failed-target-write-forgotten", "async-target-error", 0, 10),
    ("async-target-error-fails-guest", "async-target-error", 0, 10),
    ("async-flush-does-not-wait", "async-flush", 2, 500),
    ("async-flush-of-source-only", "async-flush", 0, 10),
    ("paused-job-does-not-mirror", "async-pause", 0, 10),
    ("mirrored-read-claims-nothing", "mirrored-reader", 0, 50),
    ("mirrored-read-cleans-parts", "mirrored-part-reader", 0, 10),
    ("mirrored-read-waits", "mirrored-reader", 0, 50),
    ("mirrored-read-error-forgotten", "mirrored-reader-target-error", 2, 500),
    ("mirrored-read-error-fails-guest", "mirrored-reader-target-error", 2, 500),
    ("mirrored-read-source-error-forgotten", "mirrored-reader-source-error", 2, 600),
    ("mirrored-read-cleans-afterwards", "switch-to-reads", 2, 2600),
    ("ready-amid-mirrored-read", "mirrored-reader", 1, 200),
    ("read-mirrored-after-cancel", "mirrored-reader-cancel", 0, 20),
    ("switch-cleans-bitmap", "switch-both-ways", 0, 10),
    ("switch-to-background-stays-synced", "switch-both-ways", 0, 10),
]


@pytest.mark.slow
@pytest.mark.parametrize(("mutant", "scenario", "preemptions", "schedules_max"), FOUND, ids=[row[0] for row in FOUND])
def test_mode_mutant_explored_is_found(
    mutant: str, scenario: str, preemptions: int, schedules_max: int, tmp_path: Path
) -> None:
    implementation = parse(f"reference:{mutant}")
    report = explore(
        lambda: implementation.open(tmp_path),
        SCENARIOS[scenario],
        Bounded(preemptions),
        Budget(schedules=schedules_max),
        counts_classes=False,
    )
    assert report.findings, f"{mutant} is not found in {report.schedules} schedules of {scenario}"
