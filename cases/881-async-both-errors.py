"""881-async-both-errors: both halves of an asynchronous write fail, or either, and the target's error is reported.

Every schedule with at most two preemptions is run on the reference; after each step what the mode promises is looked
at (docs/modes.md), besides the disks, the bitmap, the events and the job's own counts. The numbers of schedules and
outcomes are what the scenario has, no more and no less.

Groups: explored modes
Needs: decisions copy-mode=write-async
Source: TD-5, QE-15
"""

from harness.bench import Bench
from harness.explore.in_case import explore_in_case

PREEMPTIONS = 2


def run(bench: Bench) -> None:
    explore_in_case(bench, "async-both-errors", PREEMPTIONS)
