"""216-target-is-zero: a target that is said to read as zeroes is not zeroed, and where that is true it ends up equal.

Where it is not, what the target held stays in the source's holes: the word of whoever starts the job is taken.

Groups: background quick
Needs: blockdev-mirror.target-is-zero
Source: QA-15
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 8 * GRANULE, None, unmap=True)
    source.storage.fill(0x11, 0, GRANULE)
    source.storage.fill(0x22, 5 * GRANULE, GRANULE)
    target = bench.disk("target", 8 * GRANULE, unmap=True)
    bench.mirror(source, target, target_is_zero=True)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
    bench.mirror(source, target, target_is_zero="yes")
