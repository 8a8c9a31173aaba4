"""302-lengths: a disk of any length is mirrored actively: empty, shorter than a granule, with a last granule in part.

A last granule that is shorter than the others counts as covered in part even by a write of all of it: while dirty it is
left to the background copy.

Groups: active quick
Needs: copy-mode=write-blocking
Source: GAP-12, QA-18, 041-D-complete, 041-F-complete, BF-02
"""

from harness.bench import Bench
from harness.units import KIB, format_bytes

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for length in (0, 512, GRANULE - 512, GRANULE, GRANULE + 512, 1025 * KIB):
        bench.note(f"{format_bytes(length)}")
        mirror(bench, length)


def mirror(bench: Bench, length: int) -> None:
    source = bench.disk(f"source-{length}", length, 0x11)
    target = bench.disk(f"target-{length}", length)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    if length > GRANULE:
        bench.show_progress()
        bench.note("up to the end, while the last granule is dirty")
        last = length - length % GRANULE
        guest.write(last, length - last, 0x22)
        bench.show_progress()
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    if length:
        guest.write(length - 1, 1, 0x33)
        guest.write(0, length, 0x44)
        guest.zero(length - 512, 512)
        guest.write(length - min(length, 700), min(length, 700), 0x55)
        bench.show_progress()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
    bench.require_equal(source, target)
