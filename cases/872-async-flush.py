"""872-async-flush: a flush while one write is on its way and another one comes: it waits for what was acknowledged.

Every schedule with at most two preemptions is run on the reference; after each step what the mode promises is looked
at (docs/modes.md), besides the disks, the bitmap, the events and the job's own counts. The numbers of schedules and
outcomes are what the scenario has, no more and no less.

Groups: explored modes
Needs: decisions copy-mode=write-async
Source: TD-5
"""

from harness.bench import Bench
from harness.explore.in_case import explore_in_case

PREEMPTIONS = 2


def run(bench: Bench) -> None:
    explore_in_case(bench, "async-flush", PREEMPTIONS)
