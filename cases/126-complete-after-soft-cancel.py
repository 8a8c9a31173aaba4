"""126-complete-after-soft-cancel: a job that was told to end without switching does not let itself be told otherwise.

A write to the target that is held keeps the job on its way down. Meanwhile it is still ready: a second soft cancel
changes nothing, completing is refused, and force ends it as cancelled.

Groups: job held quick
Source: QS-07, BF-16, QE-02, QE-03
"""

from harness.bench import Bench
from harness.job_course import show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 256 * KIB, 0x11)
    target = bench.disk("target", 256 * KIB)
    guest = bench.guest(source)
    for forced in (False, True):
        bench.mirror(source, target)
        bench.wait_event("BLOCK_JOB_READY")
        target.hold("write")
        guest.write(0, 512, 0x22)
        target.wait_held()
        bench.execute("block-job-cancel", device="job0")
        show_state(bench)
        bench.execute("block-job-cancel", device="job0")
        for command, arguments in (("job-complete", {"id": "job0"}), ("block-job-complete", {"device": "job0"})):
            bench.execute(command, arguments)
        show_state(bench)
        if forced:
            bench.execute("block-job-cancel", device="job0", force=True)
        target.let_everything_pass()
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
