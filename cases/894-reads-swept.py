"""894-reads-swept: one fault at a request of each kind in read-write-blocking: nobody loses data and all are told.

A short life of a mirror is run once to count its requests. Then, for each operation of each disk, it is run again with
the request in the middle failing (EIO, ENOSPC; once, or from then on) or never answered, under each policy for errors.
After each run the fault is healed, and the disks must become equal. The table says who noticed. `mirrorcheck sweep 860`
and its like do so for every request of a case.

Groups: modes error sweep
Needs: copy-mode=read-write-blocking
Source: TD-4, QE-10, QE-11, QE-12, QE-14, QE-15, QE-16, QE-17
"""

from harness.bench import Bench
from harness.faults.in_case import sweep_in_case
from harness.mode_life import LIVES


def run(bench: Bench) -> None:
    sweep_in_case(bench, LIVES["read-write-blocking"]())
