"""208-speed-in-virtual-time: a job takes as long as its speed says, to the slice of 100 ms.

The clock is the model's own. 1 MiB in copies of 64 KiB at several speeds; and a speed that is changed on the way.

Groups: background quick
Needs: virtual-time
Source: QA-06, A18, A19, C36, C37, 219-1, TP-44
"""

from harness.bench import Bench
from harness.job_course import GRANULE
from harness.units import KIB, MIB, format_bytes


def run(bench: Bench) -> None:
    for speed in (64 * KIB, 256 * KIB, 1 * MIB, 10 * MIB, 100 * MIB):
        source = bench.disk(f"source-{format_bytes(speed)}", 1 * MIB, 0x11)
        target = bench.disk(f"target-{format_bytes(speed)}", 1 * MIB)
        bench.mirror(source, target, speed=speed, buf_size=GRANULE)
        steps = 0
        offsets = [bench.progress()[0]]
        while not bench.job()["ready"]:
            bench.session.let_time_pass()
            steps += 1
            offsets.append(bench.progress()[0])
        bench.settle()
        bench.say(f"the clock was waited for {steps} times, at {[format_bytes(offset) for offset in offsets]}")
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
