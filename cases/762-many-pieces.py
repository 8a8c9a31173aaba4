"""762-many-pieces: 20 pieces, of which 16 may be in flight at once, since every other granule is a hole.

Every schedule with at most one preemption is run on the reference; after each step the disks, the bitmap, the events
and the job's own counts are checked. The numbers of schedules and outcomes are what the scenario has, no more and no
less.

Groups: explored
Needs: decisions
Source: C43, C12
"""

from harness.bench import Bench
from harness.explore.in_case import explore_in_case

PREEMPTIONS = 1


def run(bench: Bench) -> None:
    explore_in_case(bench, "many-pieces", PREEMPTIONS)
