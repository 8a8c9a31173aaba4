"""707-runs-and-writer: runs of two granules against an active write: a run ends before what a write has claimed.

Every schedule with at most two preemptions is run on the reference; after each step the disks, the bitmap, the events
and the job's own counts are checked. The numbers of schedules and outcomes are what the scenario has, no more and no
less.

Groups: explored
Needs: decisions
Source: C5
"""

from harness.bench import Bench
from harness.explore.in_case import explore_in_case

PREEMPTIONS = 2


def run(bench: Bench) -> None:
    explore_in_case(bench, "runs-and-writer", PREEMPTIONS)
