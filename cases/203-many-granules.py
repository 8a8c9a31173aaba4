"""203-many-granules: a copy takes no more granules than a request may have vector elements, however small they are.

A request takes 1024 elements, and a copy needs one for each granule: with the smallest granules half a MiB at once,
although a copy may move a MiB and the buffer holds sixteen.

Groups: background quick
Source: C45, GAP-10, GAP-01
"""

from harness.bench import Bench
from harness.units import MIB, format_bytes


def run(bench: Bench) -> None:
    source = bench.disk("source", 2 * MIB, 0x11)
    target = bench.disk("target", 2 * MIB)
    bench.mirror(source, target, granularity=512)
    bench.wait_event("BLOCK_JOB_READY")
    for disk, operation in ((source, "read"), (target, "write")):
        lengths = [request.length for request in disk.storage.requests if request.operation == operation]
        bench.say(f"{operation}s of {disk.name}: {', '.join(map(format_bytes, lengths))}")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
