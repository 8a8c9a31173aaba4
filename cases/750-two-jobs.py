"""750-two-jobs: two mirrors of two disks at once, with a write to each.

Every schedule with at most one preemption is run on the reference; after each step the disks, the bitmap, the events
and the job's own counts are checked. The numbers of schedules and outcomes are what the scenario has, no more and no
less.

Groups: explored
Needs: decisions
Source: QS-09
"""

from harness.bench import Bench
from harness.explore.in_case import explore_in_case

PREEMPTIONS = 1


def run(bench: Bench) -> None:
    explore_in_case(bench, "two-jobs", PREEMPTIONS)
