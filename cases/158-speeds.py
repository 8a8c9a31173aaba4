"""158-speeds: the speed is what it was set to, at the start and later, and a wrong one leaves the job alone.

At the start a negative speed is found when the job has been made: it is created and gone. Lifting the limit lets a job
that rests because of it go on at once.

Groups: job quick
Source: QA-06, QS-08, 041-K-set_speed, 041-K-set_speed_invalid, TP-30, TP-44, TP-45, C37
"""

from harness.bench import Bench
from harness.job_course import GRANULE
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    bench.note("unlimited unless told otherwise")
    bench.mirror(source, target)
    bench.wait_event("BLOCK_JOB_READY")
    show_speed(bench)
    for speed in (8 * MIB, 1, 12345, 2**63 - 1, 0):
        bench.execute("block-job-set-speed", device="job0", speed=speed)
        show_speed(bench)
    bench.execute("block-job-cancel", device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")

    bench.note("given at the start")
    bench.mirror(source, target, speed=1 << 40)
    bench.wait_event("BLOCK_JOB_READY")
    show_speed(bench)
    bench.execute("block-job-cancel", device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")

    bench.note("wrong ones")
    for wrong in (-1, -(2**63), 8.0, "abc"):
        bench.mirror(source, target, speed=wrong)
    bench.say(f"jobs: {bench.query('query-jobs')}")
    bench.mirror(source, target, speed=1, buf_size=GRANULE)
    bench.show_progress()
    for wrong in (-1, -(2**63), 8.0, "abc", 64 * KIB + 0.5, None):
        bench.execute("block-job-set-speed", device="job0", speed=wrong)
    show_speed(bench)
    bench.show_progress()
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)


def show_speed(bench: Bench) -> None:
    """The speed, as both ends of the job's life know it."""
    bench.say(f"speed {bench.job()['speed']}")
