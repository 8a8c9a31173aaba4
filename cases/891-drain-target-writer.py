"""891-drain-target-writer: a drained section on the target against an active write and the end.

Where the filter has both disks as its children, guests wait with the job for the section to end; where the job uses the
target beside the filter, the job alone does. Every schedule with at most two preemptions is run on the reference, and
what its layout promises is looked at (docs/modes.md), besides the disks, the bitmap, the events and the job's own
counts. The numbers of schedules and outcomes are what the scenario has, no more and no less.

Groups: explored modes
Needs: decisions
Source: TD-2, D1, D2
"""

from harness.bench import Bench
from harness.explore.in_case import explore_in_case

PREEMPTIONS = 2


def run(bench: Bench) -> None:
    explore_in_case(bench, "drain-target-writer", PREEMPTIONS)
