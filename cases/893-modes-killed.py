"""893-modes-killed: whenever the mirror is killed, in whichever newer copy mode, both disks hold what it promises.

A life in write-async, one in read-write-blocking and one in all modes, one after the other, is run once to count its
storage requests, and then killed at each of them. Both disks have write-back caches, and each loss of up to two
unflushed changes, and of all, is judged as well: after READY the target has what was acknowledged; or, in write-async,
what was flushed, which survives on both disks, and all but a buffer of the rest. Then a new instance has to mirror the
source.

Groups: modes crash
Needs: copy-mode=write-async copy-mode=read-write-blocking job-change
Source: TD-1, TD-4, TD-5, QE-18
"""

from harness.bench import Bench
from harness.faults.in_case import crash_in_case
from harness.mode_life import LIVES


def run(bench: Bench) -> None:
    for mode, make_life in LIVES.items():
        bench.note(mode)
        crash_in_case(bench, make_life(write_back=True))
