"""209-huge-rest: what is left of a disk of 8 GiB is counted to the byte: it does not fit 32 bits.

Groups: background quick
Source: C44
"""

from harness.bench import Bench
from harness.units import GIB, KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 8 * GIB, 0x11)
    target = bench.disk("target", 8 * GIB)
    bench.note("frozen after the first granule")
    bench.mirror(source, target, speed=1, buf_size=64 * KIB)
    bench.show_progress()
    bench.execute("block-job-cancel", device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
