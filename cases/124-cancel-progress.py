"""124-cancel-progress: what the last event of a cancelled job says of its progress.

Frozen after one granule of sixteen, at a speed that the event repeats: CANCELLED, whether forced or not, with what was
copied. When everything was copied, a soft cancel completes and a forced one cancels, both with all of it.

Groups: job quick
Source: 218-1, 218-2, 218-3, 218-4, QE-02, QE-03, QE-04, TP-03, TP-05
"""

from harness.bench import Bench
from harness.job_course import GRANULE
from harness.units import MIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    for force in (False, True):
        bench.mirror(source, target, speed=1, buf_size=GRANULE)
        bench.show_progress()
        bench.execute("block-job-cancel", device="job0", force=force)
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
    for force in (False, True):
        bench.mirror(source, target)
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("block-job-cancel", device="job0", force=force)
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
