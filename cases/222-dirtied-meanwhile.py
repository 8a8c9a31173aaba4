"""222-dirtied-meanwhile: a granule that becomes dirty while the one before it waits to be copied is copied along.

The job has looked at the bitmap and waits for an older copy of what it found there. What it reads of the bitmap next is
not what it saw: it has to look again.

Groups: background held race quick
Source: B12, C4, C5
"""

from harness.bench import Bench
from harness.units import MIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 3 * MIB, 0x11)
    target = bench.disk("target", 3 * MIB)
    guest = bench.guest(source)
    target.hold("write")
    bench.note("three copies are under way, and the job sleeps")
    bench.mirror(source, target, granularity=MIB, speed=1)
    first, second, third = target.wait_held(3)
    bench.note(
        "the first granule is dirty again, the job is woken and waits for its copy, and then the second is dirty"
    )
    guest.write(0, MIB, 0x22)
    bench.execute("block-job-set-speed", device="job0", speed=0)
    guest.write(MIB, MIB, 0x33)
    for request in (second, third, first):
        target.release(request)
    target.wait_held()
    bench.compare(source, target)
    target.let_everything_pass()
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_progress()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
