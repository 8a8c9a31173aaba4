"""321-writes-to-a-run: a run of many pieces keeps its granules from writes, and gives each back when it is copied.

Every other granule of the source is a hole, so that each granule is a piece of its own; sixteen may be in flight, and
the run has twenty. A write to one that is still to be started waits for it. A write to one that is done goes on at
once, although the run that it belonged to still waits for a place.

Groups: active held quick
Needs: copy-mode=write-blocking
Source: C5, C43, BF-13
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB
COUNT = 20
IN_FLIGHT_MAX = 16


def run(bench: Bench) -> None:
    source = bench.disk("source", COUNT * GRANULE)
    target = bench.disk("target", COUNT * GRANULE, 0x99)
    guest = bench.guest(source)
    for granule in range(0, COUNT, 2):
        guest.write(granule * GRANULE, GRANULE, 0x11)
    target.hold("write")
    target.hold("zero")
    bench.mirror(source, target, copy_mode="write-blocking")
    held = target.wait_held(IN_FLIGHT_MAX)
    source.hold("write")
    bench.note("to one that is still to be started")
    late = guest.start_write(18 * GRANULE, GRANULE, 0x22)
    bench.settle()
    late.show()
    bench.note("one piece ends, the next one starts")
    target.release(next(request for request in held if not request.offset))
    target.wait_held(IN_FLIGHT_MAX)
    bench.note("to the one that has ended")
    early = guest.start_write(0, GRANULE, 0x33)
    source.wait_held()
    late.show()
    # More than sixteen requests are too many for the connection of a QEMU: what is held on the target goes first.
    target.let_everything_pass()
    bench.wait_event("BLOCK_JOB_READY")
    source.let_everything_pass()
    early.wait()
    late.wait()
    bench.show_progress()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
