"""820-async-memory: no more than the buffer is ever on its way; a write without room waits before the source.

So the source never runs away from the target, however slow that is. A write that is larger than the buffer goes alone.

Groups: modes async held quick
Needs: copy-mode=write-async
Source: TD-5
"""

from harness.bench import Bench
from harness.guest import show_all
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-async", buf_size=2 * GRANULE)
    bench.wait_event("BLOCK_JOB_READY")
    target.hold("write")

    bench.note("two granules fit")
    requests = [guest.start_write(number * GRANULE, GRANULE, 0x20 + number) for number in range(4)]
    bench.compare(source, target)
    guest.read(2 * GRANULE, GRANULE)
    first, _ = target.wait_held(2)
    bench.note("each that ends makes room for one more")
    target.release(first)
    show_all(requests)
    target.wait_held(2)
    target.release_all()
    show_all(requests)
    target.release_all()

    bench.note("one of four granules goes alone, and keeps the next one out")
    large = guest.start_write(4 * GRANULE, 4 * GRANULE, 0x31)
    small = guest.start_write(12 * GRANULE, 512, 0x32)
    show_all([large, small])
    target.release_all()
    show_all([large, small])
    target.let_everything_pass()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
