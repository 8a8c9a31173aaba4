"""304-granularities: an active write cleans whole granules, whatever their size, with a buffer of any size.

For every granularity there is one write that covers a dirty granule, one that covers two in part, and one of a single
byte. A buffer smaller than a granule is as large as one.

Groups: active
Needs: copy-mode=write-blocking
Source: GAP-01, QA-07, QA-08, TP-22, TP-24, TP-25, BF-05
"""

from harness.bench import Bench
from harness.units import KIB, MIB, format_bytes


def run(bench: Bench) -> None:
    for granularity in (512, 1 * KIB, 4 * KIB, 32 * KIB, 128 * KIB, 1 * MIB, 64 * MIB):
        for buffers in (1, 3):
            bench.note(f"granules of {format_bytes(granularity)}, room for {buffers}")
            mirror(bench, granularity, buffers)


def mirror(bench: Bench, granularity: int, buffers: int) -> None:
    # 16 whole granules and half a one, but for the largest, of which the disk is only a part.
    size = min(16 * granularity + granularity // 2, 4 * MIB) // 512 * 512
    name = f"{format_bytes(granularity)}-{buffers}"
    source = bench.disk(f"source-{name}", size, 0x11)
    target = bench.disk(f"target-{name}", size)
    guest = bench.guest(source)
    bench.mirror(
        source,
        target,
        copy_mode="write-blocking",
        granularity=granularity,
        speed=1,
        buf_size=granularity if buffers == 1 else buffers * granularity - 100,
    )
    frozen = buffers == 1 and size > granularity
    if frozen:
        bench.show_progress()
    whole = size // 2 // granularity * granularity
    guest.write(whole, min(granularity, size - whole), 0x22)
    guest.write(whole + granularity - 1 if frozen else 0, 2, 0x33)
    guest.write(size - 1, 1, 0x44)
    if frozen:
        bench.show_progress()
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    guest.write(1, min(2 * granularity, size - 1), 0x55)
    guest.zero(0, 512)
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
    bench.require_equal(source, target)
