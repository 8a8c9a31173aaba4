"""330-unaligned-dirty: an unaligned active write into a dirty granule must not clean it.

Part of the granule has never been copied. Whoever cleans it loses that part for good: the copy that would have brought
it never happens. One byte is enough, and so is a write that reaches from one granule into the next.

Groups: active regression quick
Needs: copy-mode=write-blocking
Source: 151-3, BF-03, C1
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 2 * MIB, 0x11)
    target = bench.disk("target", 2 * MIB)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.show_progress()

    for what, offset, length in (
        ("one byte", 1 * MIB + 42, 1),
        ("the head of a granule", 1 * MIB + GRANULE, 512),
        ("the tail of a granule", 1 * MIB + 3 * GRANULE - 512, 512),
        ("all but one byte", 1 * MIB + 3 * GRANULE, GRANULE - 1),
        ("across a border", 1 * MIB + 5 * GRANULE - 512, 1024),
        ("a whole granule with a part on either side", 1 * MIB + 7 * GRANULE - 512, GRANULE + 1024),
    ):
        bench.note(what)
        guest.write(offset, length, 0x22)
        bench.show_progress()

    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_progress()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
