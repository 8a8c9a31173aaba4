"""209-huge-rest: what is left of a disk of more than 4 GiB is counted to the byte: it does not fit 32 bits.

Groups: background quick
Source: C44
"""

from harness.bench import Bench
from harness.units import GIB, KIB

SIZE = 4 * GIB + 128 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", SIZE, 0x11)
    target = bench.disk("target", SIZE)
    bench.note("frozen after the first granule")
    bench.mirror(source, target, speed=1, buf_size=64 * KIB)
    bench.show_progress()
    bench.execute("block-job-cancel", device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
