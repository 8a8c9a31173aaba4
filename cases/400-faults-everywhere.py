"""400-faults-everywhere: one fault at a request of each kind, under each policy: nobody loses data and all are told.

A short life of an active mirror is run once to count its requests. Then, for each operation of each disk, it is run
again with the request in the middle failing (EIO, ENOSPC; once, or from then on) or never answered, under each policy
for errors. After each run the fault is healed, and the disks must become equal. The table says who noticed: the guest,
or the job, and what the job made of it. `mirrorcheck sweep 310` does so for every request of another case.

Groups: active error sweep
Needs: copy-mode=write-blocking
Source: QE-10, QE-11, QE-12, QE-14, QE-15, QE-16, QE-17, GAP-02, D5
"""

from harness.bench import Bench
from harness.faults.in_case import sweep_in_case
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    sweep_in_case(bench, life)


def life(bench: Bench) -> None:
    """A mirror that is frozen, written to, let go, written to again, and completed."""
    source = bench.disk("source", 6 * GRANULE, 0x11)
    target = bench.disk("target", 6 * GRANULE)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.show_progress()
    guest.write(2 * GRANULE, GRANULE, 0x22)
    guest.write(4 * GRANULE + 512, 1024, 0x33)
    guest.zero(3 * GRANULE, GRANULE)
    guest.read(0, 6 * GRANULE)
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    guest.write(GRANULE - 512, 1024, 0x44)
    guest.zero(0, 512)
    guest.flush()
    guest.write(5 * GRANULE, 512, 0x55, fua=True)
    guest.read(0, 6 * GRANULE)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
