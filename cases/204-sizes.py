"""204-sizes: disks of a few sectors, shorter and longer than a granule, are equal to the last byte.

After READY the last byte is written, in background and in active mode. The disk of no bytes has a case of its own, and
so have lengths that are no multiple of 512: a real program rounds those up.

Groups: background active quick
Source: 152-1, 152-2, 041-B-complete, 041-F-complete, 041-F-cancel_after_ready, GAP-12, QQ-3
"""

from harness.bench import Bench
from harness.units import KIB

SIZES = (512, 1024, 4608, 64 * KIB - 512, 64 * KIB, 64 * KIB + 512, 1025 * KIB)


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
