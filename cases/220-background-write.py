"""220-background-write: in background mode a guest's write dirties what it touches, and that is copied again.

Half a granule costs a whole one. A write moves no progress by itself; the copy that it brings about does.

Groups: background quick
Source: real-qemu G, QQ-3, 152-2
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 4 * MIB, 0x11)
    target = bench.disk("target", 4 * MIB)
    guest = bench.guest(source)

    bench.note("frozen after the first granule")
    bench.mirror(source, target, speed=1, buf_size=GRANULE)
    bench.show_progress()
    bench.note("a granule that is still dirty, whole and in part: nothing changes")
    guest.write(1 * MIB, GRANULE, 0x22)
    bench.show_progress()
    guest.write(2 * MIB, 512, 0x22)
    bench.show_progress()
    bench.note("the granule that was copied: dirty again")
    guest.write(0, 32 * KIB, 0x33)
    bench.show_progress()

    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_progress()
    bench.require_equal(source, target)

    bench.note("after READY: 32k cost a whole granule of copying")
    target.hold("write")
    guest.write(3 * MIB, 32 * KIB, 0x44)
    target.wait_held()
    bench.compare(source, target)
    bench.show_progress()
    target.release_all()
    bench.show_progress()
    bench.require_equal(source, target)
    bench.note("and one byte does too")
    guest.write(3 * MIB + 100, 1, 0x55)
    target.wait_held()
    target.release_all()
    bench.show_progress()
    bench.require_equal(source, target)

    target.let_everything_pass()
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
