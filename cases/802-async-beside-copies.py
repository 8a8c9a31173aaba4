"""802-async-beside-copies: in write-async nobody waits for a copy, nor for a write of other bytes in the same granule.

A write into what is being copied reaches the source at once, and the target after the copy, which may have read what
was there before. Two writes of one granule that have no byte in common are on their way to the target together.

Groups: modes async held quick
Needs: copy-mode=write-async
Source: TD-5, GAP-04
"""

from harness.bench import Bench
from harness.guest import show_all
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 4 * GRANULE, 0x11)
    target = bench.disk("target", 4 * GRANULE, 0x99)
    guest = bench.guest(source)
    bench.note("the first granule is being copied: it has been read, and the target does not answer")
    target.hold("write")
    bench.mirror(source, target, copy_mode="write-async", speed=1, buf_size=GRANULE)
    (copy,) = target.wait_held()
    guest.write(512, 512, 0x22)
    guest.write(4 * KIB, 1 * KIB, 0x33)
    guest.read(0, 8 * KIB)
    bench.note("one of the same bytes does")
    over = guest.start_write(512, 1024, 0x44)
    bench.settle()
    over.show()
    bench.note("the copy ends, and then the target gets both writes together")
    target.release(copy)
    for request in target.wait_held(2):
        target.release(request)
    (last,) = target.wait_held()
    over.show()
    target.release(last)
    bench.compare(source, target)

    bench.note("a copy that fails leaves its granule dirty, and a write of part of it to the next copy")
    bench.execute("job-change", id="job0", type="mirror", on_target_error="ignore")
    target.let_everything_pass()
    target.hold("write")
    bench.execute("block-job-set-speed", device="job0", speed=0)
    copy = target.wait_held()[0]
    guest.write(copy.offset + 512, 512, 0x55)
    target.release(copy, "EIO")
    target.let_everything_pass()
    bench.wait_event("BLOCK_JOB_READY")
    bench.require_equal(source, target)

    bench.note("READY: two in one granule")
    target.hold("write")
    requests = [guest.start_write(512 * number, 512, 0x60 + number) for number in range(3)]
    bench.settle()
    show_all(requests)
    target.wait_held(3)
    target.let_everything_pass()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
