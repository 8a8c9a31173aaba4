"""887-mirrored-reader-target-error: what a mirrored read sends fails on the target: the read does not, and the granule
is dirty.

Every schedule with at most two preemptions is run on the reference; after each step what the mode promises is looked
at (docs/modes.md), besides the disks, the bitmap, the events and the job's own counts. The numbers of schedules and
outcomes are what the scenario has, no more and no less.

Groups: explored modes
Needs: decisions copy-mode=read-write-blocking
Source: TD-4, QE-16
"""

from harness.bench import Bench
from harness.explore.in_case import explore_in_case

PREEMPTIONS = 2


def run(bench: Bench) -> None:
    explore_in_case(bench, "mirrored-reader-target-error", PREEMPTIONS)
