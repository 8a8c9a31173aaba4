"""735-write-error: one write to the target fails, the background copy's or the guest's, and the job ends.

Every schedule with at most two preemptions is run on the reference; after each step the disks, the bitmap, the events
and the job's own counts are checked. The numbers of schedules and outcomes are what the scenario has, no more and no
less.

Groups: explored
Needs: decisions
Source: QE-15, C1
"""

from harness.bench import Bench
from harness.explore.in_case import explore_in_case

PREEMPTIONS = 2


def run(bench: Bench) -> None:
    explore_in_case(bench, "write-error", PREEMPTIONS)
