"""130-pause-resume: pausing works while running and while ready, once, and only what was paused can be resumed.

Groups: job quick
Source: QE-07, QE-08, QS-04, QS-05, QS-06, 219-1, 219-2
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    source.hold("read")
    bench.mirror(source, target, buf_size=GRANULE)
    (first_read,) = source.wait_held()

    bench.note("running: the job comes to rest once its copy in flight has ended")
    bench.execute("block-job-pause", device="job0")
    bench.execute("block-job-pause", device="job0")
    bench.show_job()
    source.release(first_read)
    bench.show_job()
    bench.execute("block-job-cancel", device="job0")
    bench.execute("job-resume", id="job0")
    bench.execute("job-resume", id="job0")
    (second_read,) = source.wait_held()

    bench.note("and the other pair of verbs does the same")
    bench.execute("job-pause", id="job0")
    bench.execute("job-pause", id="job0")
    source.release(second_read)
    bench.execute("block-job-resume", device="job0")
    bench.execute("block-job-resume", device="job0")
    source.wait_held()

    source.let_everything_pass()
    bench.wait_event("BLOCK_JOB_READY")

    bench.note("ready: standby, and no second READY")
    for pause, resume in (("job-pause", "job-resume"), ("block-job-pause", "block-job-resume")):
        name = "id" if pause == "job-pause" else "device"
        bench.execute(pause, {name: "job0"})
        bench.wait_event("JOB_STATUS_CHANGE", status="standby")
        bench.execute(pause, {name: "job0"})
        bench.show_job()
        bench.execute(resume, {name: "job0"})
        bench.execute(resume, {name: "job0"})
        bench.show_job()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
