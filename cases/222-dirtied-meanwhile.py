"""222-dirtied-meanwhile: a granule that becomes dirty while the one before it waits to be copied is copied along.

The job has looked at the bitmap and waits for an older copy of what it found there. What it reads of the bitmap next is
not what it saw: it has to look again.

Groups: background held race quick
Source: B12, C4, C5
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 4 * GRANULE, 0x11)
    target = bench.disk("target", 4 * GRANULE)
    guest = bench.guest(source)
    bench.mirror(source, target)
    bench.wait_event("BLOCK_JOB_READY")
    target.hold("write")
    bench.note("two copies are under way")
    guest.write(0, GRANULE, 0x22)
    guest.write(3 * GRANULE, GRANULE, 0x22)
    first, last = sorted(target.wait_held(2), key=lambda request: request.offset)
    bench.note("the first granule is dirty again, and so is then the one after it")
    guest.write(0, GRANULE, 0x33)
    target.release(last)
    guest.write(GRANULE, GRANULE, 0x44)
    target.release(first)
    bench.wait_until(lambda: bench.dirty_bytes() == 0, "everything to be under way")
    bench.compare(source, target)
    target.let_everything_pass()
    bench.wait_until(lambda: bench.progress()[0] == bench.progress()[1], "the copies to be counted")
    bench.show_progress()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
