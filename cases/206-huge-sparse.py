"""206-huge-sparse: on a disk of 1 TiB what is written is mirrored, from the first byte to the last.

With sync none nothing has to be looked over. The default granularity makes a bitmap of 16 million bits.

Groups: background active quick
Source: QA-03, QA-07, TP-33, GAP-01, GAP-12
"""

from harness.bench import Bench
from harness.units import GIB, KIB, TIB


def run(bench: Bench) -> None:
    for copy_mode in ("background", "write-blocking"):
        source = bench.disk(f"source-{copy_mode}", TIB)
        target = bench.disk(f"target-{copy_mode}", TIB)
        guest = bench.guest(source)
        bench.mirror(source, target, sync="none", copy_mode=copy_mode)
        bench.wait_event("BLOCK_JOB_READY")
        for offset, length in ((0, 1), (512 * GIB - 512, KIB), (TIB - 1, 1)):
            guest.write(offset, length, 0x22)
        bench.wait_until(lambda: bench.dirty_bytes() == 0, "the writes to be copied")
        bench.wait_until(lambda: bench.progress()[0] == bench.progress()[1], "the copies to be counted")
        bench.show_progress()
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
