"""440-killed: whenever the mirror is killed, both disks hold what they may, and the source can be mirrored again.

A life of an active mirror with writes, zeroes and flushes is run once to count its storage requests, and then killed at
each of them: after READY everything that was acknowledged is on the target. The source has a write-back cache, and what
a guest flushed survives the loss of any two changes that were not flushed, and of all.

Groups: active crash
Needs: copy-mode=write-blocking
Source: QE-18, TP-19, 185-3
"""

from harness.bench import Bench
from harness.faults.in_case import crash_in_case
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    crash_in_case(bench, life)


def life(bench: Bench) -> None:
    """A mirror that is frozen, written to, let go, written to again, and completed."""
    source = bench.disk("source", 6 * GRANULE, 0x11, write_back=True)
    target = bench.disk("target", 6 * GRANULE, 0x99)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.show_progress()
    guest.write(2 * GRANULE, GRANULE, 0x22)
    guest.flush()
    guest.write(4 * GRANULE + 512, 1024, 0x33)
    guest.zero(3 * GRANULE, GRANULE)
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    requests = [guest.start_write(number * GRANULE + 512, 2 * GRANULE, 0x40 + number) for number in range(3)]
    for request in requests:
        request.wait()
    guest.write(GRANULE - 512, 1024, 0x44, fua=True)
    guest.zero(0, 512)
    guest.flush()
    guest.write(5 * GRANULE, 512, 0x55)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
