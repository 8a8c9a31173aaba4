"""156-buffers: the buffer is rounded up to the granularity, and bounds what is read at once.

A buffer of one byte is one granule. One of 2^62 bytes is accepted, and then the job fails for want of memory. No
operation is longer than the buffer, nor than the larger of 1 MiB and a sixteenth of the buffer.

Groups: job background quick
Source: QA-08, 041-B-small_buffer, 041-F-small_buffer, real-qemu F, C46, BF-05
"""

from harness.bench import Bench
from harness.units import KIB, MIB, format_bytes

SIZE = 5 * MIB + KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", SIZE, 0x11)
    for buffer in (0, 1, 512, 4 * KIB, 64 * KIB, 64 * KIB + 1, 1 * MIB, 16 * MIB, 64 * MIB):
        target = bench.disk(f"target-{buffer}", SIZE)
        source.storage.requests.clear()
        bench.mirror(source, target, buf_size=buffer)
        bench.wait_event("BLOCK_JOB_READY")
        longest = max(request.length for request in source.storage.requests if request.operation == "read")
        bench.say(f"longest read: {format_bytes(longest)}")
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
    target = bench.disk("target", SIZE)
    bench.mirror(source, target, buf_size=1 << 62, auto_dismiss=False)
    bench.wait_event("JOB_STATUS_CHANGE", status="concluded")
    bench.show_job()
    bench.execute("job-dismiss", id="job0")
