"""214-stale-target: what the target held before is gone, also where the source has holes or zeroes.

Granules of data, zeroes and holes in turn. With and without leave to deallocate on the target.

Groups: background quick
Source: 041-L-existing_full, 041-L-blockdev_full, 312-1, C12, QA-02
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 9 * GRANULE, None)
    for granule in range(0, 9, 3):
        source.storage.fill(0x11, granule * GRANULE, GRANULE)
        source.storage.fill(0, (granule + 1) * GRANULE, GRANULE)
    for unmap in (False, True):
        target = bench.disk(f"target-unmap-{unmap}".lower(), source.size, 0x2A, unmap=unmap)
        bench.mirror(source, target)
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
    bench.note("sync none brings only what is written: the rest stays stale")
    target = bench.disk("target", source.size, 0x2A)
    bench.mirror(source, target, sync="none")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.compare(source, target)
