"""205-odd-sizes: disks whose lengths are no multiple of a sector, down to one byte, are equal to the last byte.

As 204, for lengths that a real program rounds up to 512 when it opens its storage.

Groups: background active quick
Needs: virtual-time
Source: GAP-12, QQ-3
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZES = (1, 2, 511, 513, 1023, 4095, 4097, 64 * KIB - 1, 64 * KIB + 1, 1 * MIB + 3)


def run(bench: Bench) -> None:
    for size in SIZES:
        for copy_mode in ("background", "write-blocking"):
            source = bench.disk(f"source-{size}-{copy_mode}", size, 0x11)
            target = bench.disk(f"target-{size}-{copy_mode}", size)
            guest = bench.guest(source)
            bench.mirror(source, target, copy_mode=copy_mode)
            bench.wait_event("BLOCK_JOB_READY")
            bench.require_equal(source, target)
            guest.write(size - 1, 1, 0x22)
            bench.wait_until(lambda: bench.dirty_bytes() == 0, "the write to be copied")
            bench.wait_until(lambda: bench.progress()[0] == bench.progress()[1], "the copy to be counted")
            bench.show_progress()
            bench.execute("job-complete", id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="null")
            bench.require_equal(source, target)
