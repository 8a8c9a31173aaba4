"""207-huge-full: a disk of 1 TiB of which almost nothing is there is copied in full at the cost of what is there.

Three pieces hold data: at the beginning, in the middle, and up to the last byte. Of the rest nothing is read. A real
program splits the zeroes that it writes into pieces of 32 MiB, which takes half a minute; so this is for a model.

Groups: background slow
Needs: virtual-time
Source: QA-07, C41, C55, BF-27
"""

from harness.bench import Bench
from harness.units import GIB, KIB, MIB, TIB, format_bytes


def run(bench: Bench) -> None:
    source = bench.disk("source", TIB, unmap=True)
    target = bench.disk("target", TIB, unmap=True)
    for offset in (0, 512 * GIB, TIB - 64 * KIB):
        source.storage.fill(0x11, offset, 64 * KIB)
    guest = bench.guest(source)
    bench.mirror(source, target, granularity=64 * MIB, buf_size=1 * GIB)
    bench.wait_event("BLOCK_JOB_READY")
    bench.require_equal(source, target)
    read = sum(request.length for request in source.storage.requests if request.operation == "read")
    bench.say(f"read: {format_bytes(read)}")
    guest.write(TIB - 1, 1, 0x22)
    guest.write(700 * GIB, 1, 0x33)
    bench.wait_until(lambda: bench.dirty_bytes() == 0, "the writes to be copied")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
