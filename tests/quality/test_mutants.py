"""Known bugs are found, within so many schedules, and what is found shrinks to so many steps.

Each row is a mutant, the scenario that shows it, how many preemptions that takes, the schedules that are allowed, and
the steps that the shrunk finding may have. The numbers are those that were measured, rounded up.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.explore.explorer import explore
from harness.explore.replay import replay
from harness.explore.report import Budget
from harness.explore.runner import Opener
from harness.explore.scenarios import SCENARIOS
from harness.explore.schedule_file import Schedule, format_schedule, parse_schedule
from harness.explore.shrink import shrink
from harness.explore.strategies import Bounded
from harness.implementations import Session, parse

FOUND = [
    ("complete-enters-paused-job", "complete-paused", 0, 1, 6),
    ("paused-before-waiting-copy", "errors-stop", 2, 9000, 7),
    ("pause-defeats-rate-limit", "limited", 0, 1, 5),
    ("set-speed-defeats-rate-limit", "limited", 0, 1, 3),
    ("active-copy-after-force-cancel", "force-cancel", 1, 7, 8),
    ("active-waits-for-first-chunk-only", "overlapping-writers", 1, 50, 6),
    ("active-writes-starve-background", "endless-write", 0, 9, 8),
    ("active-zero-shorter-than-chunk", "short-writer", 0, 1, 6),
    ("actively-synced-only-at-ready", "change-copy-mode", 1, 50, 11),
    ("background-op-ignores-range-conflict", "overlapping-writers", 1, 50, 5),
    ("bits-cleared-after-block-status", "one-writer", 1, 8, 3),
    ("buffer-not-multiple-of-granularity", "tiny-buffer", 0, 1, 0),
    ("cancel-of-paused-job-asserts", "cancel-paused", 0, 1, 6),
    ("claim-outlives-operation", "odd-size", 0, 1, 3),
    ("clean-head-skipped", "short-writer", 0, 1, 6),
    ("clean-tail-skipped", "short-writer", 0, 1, 6),
    ("complete-refused-on-standby", "complete-paused", 0, 1, 72),
    ("completion-check-before-drain", "complete-under-writes", 1, 50, 12),
    ("completion-wakes-throttle-sleep", "limited", 1, 1, 4),
    ("copy-mode-read-twice", "change-copy-mode", 1, 50, 7),
    ("dirtied-before-data-is-down", "background-writer", 1, 8, 9),
    ("dirty-tracking-below-the-filter", "one-writer", 0, 1, 10),
    ("discard-cleans-bitmap", "discard", 0, 1, 10),
    ("drain-of-target-does-not-pause", "drain-target", 1, 2, 12),
    ("drain-returns-before-job-paused", "drain-source", 1, 50, 4),
    ("duplicate-complete-with-replaces", "complete-twice", 0, 1, 7),
    ("event-fields-missing-or-wrong", "one-writer", 0, 1, 7),
    ("existing-target-assumed-zero", "holes", 0, 1, 1),
    ("filter-restarted-without-permission", "complete-under-writes", 1, 8, 10),
    ("flush-every-sync", "one-writer", 0, 1, 13),
    ("force-cancel-vs-failing-flush", "failing-flush", 0, 1, 69),
    ("force-not-honoured-when-ready", "force-cancel", 0, 1, 12),
    ("holes-not-written", "many-pieces", 0, 1, 1),
    ("job-pointer-null-in-write", "start", 0, 50, 2),
    ("job-pointer-published-too-early", "start", 0, 50, 2),
    ("last-chunk-not-clipped", "odd-size", 0, 1, 4),
    ("more-than-16-in-flight", "many-pieces", 0, 1, 1),
    ("no-pause-point-without-delay", "pause", 0, 50, 3),
    ("no-undrain-on-retry", "complete-under-writes", 1, 50, 11),
    ("no-wait-on-in-flight-first-chunk", "unaligned-writer", 1, 9, 5),
    ("op-waits-for-itself", "small-buffer", 1, 1, 25),
    ("progress-counts-prezeroing", "holes", 0, 1, 6),
    ("progress-ignores-active-bytes", "one-writer", 1, 7, 11),
    ("second-ready-after-error", "write-error-ignored", 0, 2, 12),
    ("second-ready-after-error", "write-error-ignored", 1, 2, 12),
    ("set-speed-does-not-wake", "set-speed", 0, 1, 5),
    ("several-errors-pause-twice", "errors-stop", 1, 6, 18),
    ("size-mismatch-accepted", "other-size", 0, 1, 70),
    ("skipped-head-not-skipped-in-data", "unaligned-writer", 0, 4, 3),
    ("sleeping-job-entered-twice", "pause", 1, 50, 8),
    ("soft-cancel-counts-as-cancelled", "soft-cancel", 1, 1, 11),
    ("status-truncated-to-int", "many-pieces", 0, 1, 84),
    ("synced-while-dirty", "write-error-ignored", 1, 50, 7),
    ("throttle-counts-wrong-bytes", "limited", 0, 1, 6),
    ("throttle-lost", "limited", 0, 1, 6),
    ("unaligned-active-write-cleans-chunk", "unaligned-writer", 0, 4, 3),
    ("wait-on-conflict-null-self", "unaligned-writer", 1, 9, 5),
    ("writes-missed-before-pivot", "complete-under-writes", 1, 6, 8),
    ("writes-missed-during-startup", "start", 1, 50, 5),
    ("zero-length-image-skips-ready", "empty-disk", 0, 1, 0),
]


def opener_of(mutant: str) -> Opener:
    implementation = parse(f"reference:{mutant}")

    def opener() -> Session:
        return implementation.open(Path())

    return opener


@pytest.mark.slow
@pytest.mark.parametrize(("mutant", "scenario", "preemptions", "schedules_max", "steps_max"), FOUND)
def test_explorer_meets_mutant_finds_it_and_shrinks_it(
    mutant: str, scenario: str, preemptions: int, schedules_max: int, steps_max: int
) -> None:
    opener = opener_of(mutant)
    budget = Budget(schedules=schedules_max)
    report = explore(opener, SCENARIOS[scenario], Bounded(preemptions), budget, counts_classes=False)
    assert report.findings
    assert len(report.findings[0].steps) <= steps_max
    text = format_schedule(
        Schedule(
            report.findings[0].scenario,
            tuple(report.findings[0].steps),
            f"reference:{mutant}",
            str(report.findings[0].failure),
        )
    )
    schedule = parse_schedule(text, "finding")
    again, follower = replay(opener, schedule.scenario, schedule.steps)
    assert str(again.failure) == schedule.failure
    assert not follower.difference


@pytest.mark.slow
def test_shrink_unaligned_write_leaves_one_write() -> None:
    opener = opener_of("unaligned-active-write-cleans-chunk")
    report = explore(opener, SCENARIOS["unaligned-writer"], Bounded(2), Budget(schedules=500), counts_classes=False)
    small = shrink(opener, report.findings[0])
    assert len(small.scenario.actions) == 1
    assert len(small.steps) <= 3
    assert small.failure.kind is report.findings[0].failure.kind
