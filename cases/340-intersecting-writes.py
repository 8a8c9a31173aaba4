"""340-intersecting-writes: active writes that overlap wait for each other in turn, and never in a circle.

The first write is held on its way to the source; the second and third wait for it. A fourth overlaps both in its first
half but not the first write, and claims its range, since those that wait have claimed nothing. When the first ends, the
second and third wake up together and find the fourth in their way: each must wait for the fourth and not for the other.

Groups: active held race regression quick
Needs: copy-mode=write-blocking
Source: 151-4, BF-13, A10
"""

from harness.bench import Bench
from harness.guest import show_all
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 4 * MIB, 0x11)
    target = bench.disk("target", 4 * MIB)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.show_progress()

    source.hold("write")
    requests = [guest.start_write(0, 1 * MIB, 0x21)]
    (first,) = source.wait_held()
    requests.append(guest.start_write(0, 2 * MIB, 0x22))
    requests.append(guest.start_write(0, 2 * MIB, 0x23))
    bench.note("the second and the third do not reach the source, the fourth does")
    requests.append(guest.start_write(1 * MIB, 2 * MIB, 0x24))
    _, fourth = source.wait_held(2)

    source.release(first)
    show_all(requests)
    source.release(fourth)
    show_all(requests)
    bench.note("the second is first to have the range to itself")
    (second,) = source.wait_held()
    source.release(second)
    (third,) = source.wait_held()
    source.release(third)
    for request in requests:
        request.wait()
    guest.read(0, 3 * MIB)
    bench.show_progress()

    source.let_everything_pass()
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
