"""228-target-does-not-answer: while the target answers nothing the job stands still and says so, and then goes on.

A guest's write is answered all the same in background mode, and waits in active mode. Nothing is lost, and READY comes
when everything has been answered.

Groups: background active held quick
Source: TP-09, TP-20, QQ-2, QQ-3
"""

from harness.bench import Bench
from harness.job_course import GRANULE, show_state
from harness.units import KIB


def run(bench: Bench) -> None:
    for copy_mode in ("background", "write-blocking"):
        bench.note(copy_mode)
        source = bench.disk(f"source-{copy_mode}", 512 * KIB, 0x11)
        target = bench.disk(f"target-{copy_mode}", 512 * KIB)
        guest = bench.guest(source)
        bench.mirror(source, target, copy_mode=copy_mode, speed=1, buf_size=GRANULE)
        bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule to be counted")
        target.hold("write")
        bench.execute("block-job-set-speed", device="job0", speed=0)
        target.wait_held()
        show_state(bench)
        show_state(bench)
        write = guest.start_write(4 * GRANULE, GRANULE, 0x22)
        show_state(bench)
        bench.say(f"the guest's write {'is answered' if write.done else 'waits'}")
        target.let_everything_pass()
        bench.wait_event("BLOCK_JOB_READY")
        write.wait()
        bench.wait_until(lambda: bench.dirty_bytes() == 0, "nothing to be dirty")
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
