"""810-async-order: writes that overlap reach both disks in one order, although their guests were answered long ago.

Groups: modes async held race quick
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
    bench.mirror(source, target, copy_mode="write-async")
    bench.wait_event("BLOCK_JOB_READY")

    target.hold("write")
    bench.note("the first is answered; the second overlaps it and waits, the third does not")
    requests = [guest.start_write(0, 2 * GRANULE, 0x21)]
    requests.append(guest.start_write(GRANULE, 2 * GRANULE, 0x22))
    requests.append(guest.start_write(4 * GRANULE, GRANULE, 0x23))
    first, third = target.wait_held(2)
    bench.note("a write inside the first waits too")
    requests.append(guest.start_write(512, 512, 0x24))
    target.release(first)
    show_all(requests)
    second = target.wait_held(3)
    bench.note("the target answers them in the opposite order")
    for request in reversed(second):
        target.release(request)
    show_all(requests)
    guest.read(0, 3 * GRANULE)
    bench.require_equal(source, target)
    bench.say(f"the third was held until now: {third.state}")
    target.let_everything_pass()
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
