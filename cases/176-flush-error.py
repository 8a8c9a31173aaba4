"""176-flush-error: a target whose flush fails after READY stops a job that is ending, and nothing is announced twice.

Once: the job goes to standby, and to its end when it is resumed. Always: force ends it nonetheless. Before READY the
job is paused, and is not ready until the flush succeeds.

Groups: job error regression quick
Source: MRCE-1, MRCE-2, BF-15, BF-17, TP-04
"""

from harness.bench import Bench
from harness.job_course import show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 128 * KIB, 0x11)
    target = bench.disk("target", 128 * KIB)
    guest = bench.guest(source)

    bench.note("once, on the way to READY")
    target.fail("flush")
    bench.mirror(source, target, on_target_error="stop")
    bench.wait_event("JOB_STATUS_CHANGE", status="paused")
    show_state(bench)
    bench.execute("job-resume", id="job0")
    bench.wait_event("BLOCK_JOB_READY")

    bench.note("once, on the way to the end")
    guest.write(0, 64 * KIB, 0x22)
    bench.wait_until(lambda: bench.dirty_bytes() == 0, "the write to be copied")
    target.fail("flush")
    bench.execute("block-job-cancel", device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="standby")
    show_state(bench)
    bench.execute("job-resume", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)

    bench.note("always")
    bench.mirror(source, target, on_target_error="stop")
    bench.wait_event("BLOCK_JOB_READY")
    target.fail("flush", count=None)
    guest.write(0, 64 * KIB, 0x33)
    bench.wait_until(lambda: bench.dirty_bytes() == 0, "the write to be copied")
    bench.execute("block-job-cancel", device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="standby")
    bench.execute("job-resume", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="standby")
    bench.execute("block-job-cancel", device="job0", force=True)
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
