"""896-switched-swept: one fault at a request of each kind between switches: nobody loses data and all are told.

A short life of a mirror in all copy modes, one after the other, is run once to count its requests. Then, for each
operation of each disk, it is run again with the request in the middle failing (EIO, ENOSPC; once, or from then on) or
never answered, under each policy for errors. After each run the fault is healed, and the disks must become equal. The
table says who noticed. `mirrorcheck sweep 860` and its like do so for every request of a case.

Which of the reads is the middle one depends on how long the program takes, so only a program of which time stands still
unless it is told to go on can be swept so.

Groups: modes error sweep
Needs: copy-mode=write-async copy-mode=read-write-blocking job-change virtual-time
Source: TD-1, QE-10, QE-11, QE-12, QE-14, QE-15, QE-16, QE-17
"""

from harness.bench import Bench
from harness.faults.in_case import sweep_in_case
from harness.mode_life import LIVES


def run(bench: Bench) -> None:
    sweep_in_case(bench, LIVES["one after the other"]())
