"""310-active-writes: what an active write adds to progress and takes from the dirty bitmap, before and after READY.

An aligned write of a dirty granule goes to the target and cleans it. A dirty granule that a write covers in part is
left to the background copy, and that part is not sent. A clean granule is written through in whatever part. Discards
are dropped by the filter. After READY nothing is dirty any more, and every write adds exactly its bytes.

Groups: active quick
Needs: copy-mode=write-blocking
Source: real-qemu G, QE-18, QQ-3, 151-1, A9
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 4 * MIB, 0x11)
    target = bench.disk("target", 4 * MIB)
    guest = bench.guest(source)

    def write(offset: int, length: int) -> None:
        guest.write(offset, length, 0x22)
        bench.show_progress()

    def zero(offset: int, length: int) -> None:
        guest.zero(offset, length)
        bench.show_progress()

    bench.note("frozen after the first granule")
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.show_progress()
    bench.note("a dirty granule, whole: mirrored and clean")
    write(1 * MIB, GRANULE)
    bench.note("parts of dirty granules: not sent, still dirty")
    write(2 * MIB, 32 * KIB)
    write(2080 * KIB, 512)
    write(2128 * KIB, 96 * KIB)
    bench.note("zeroes are writes")
    zero(3 * MIB, GRANULE)
    bench.note("part of a clean granule: sent")
    zero(3104 * KIB, 32 * KIB)
    bench.note("discards never arrive")
    guest.discard(0, GRANULE)
    guest.discard(1 * MIB + 512, 512)
    bench.show_progress()
    bench.note("clean granules")
    write(0, GRANULE)
    write(1 * MIB, GRANULE)

    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_progress()
    bench.require_equal(source, target)

    bench.note("after READY: each write adds its bytes to both ends, nothing gets dirty, the disks stay equal")
    for offset, length in (
        (0, GRANULE),
        (1 * MIB, 32 * KIB),
        (2 * MIB + 512, 512),
        (3 * MIB - 100, 96 * KIB),
        (1, 1),
    ):
        write(offset, length)
        bench.require_equal(source, target)
    zero(3 * MIB, GRANULE)
    bench.require_equal(source, target)

    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
