"""890-switch-to-reads: a switch to read-write-blocking: what a background write dirties amid a mirrored read stays
dirty.

Every schedule with at most two preemptions is run on the reference; after each step what the mode promises is looked
at (docs/modes.md), besides the disks, the bitmap, the events and the job's own counts. The numbers of schedules and
outcomes are what the scenario has, no more and no less.

Groups: explored modes
Needs: decisions copy-mode=read-write-blocking job-change
Source: TD-1, TD-4, C24
"""

from harness.bench import Bench
from harness.explore.in_case import explore_in_case

PREEMPTIONS = 2


def run(bench: Bench) -> None:
    explore_in_case(bench, "switch-to-reads", PREEMPTIONS)
