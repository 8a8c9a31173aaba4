"""136-pause-and-write: what a guest writes while the job is paused is copied when it goes on, in either mode.

In background mode a paused job has the write before it. In active mode a write after READY reaches the target although
the job is paused, and before READY a granule that was dirty anyway stays so unless the write covers it.

Groups: job active background quick
Source: QE-07, QE-08, QE-17, GAP-04, QQ-3
"""

from harness.bench import Bench
from harness.job_course import GRANULE, reach
from harness.units import KIB


def run(bench: Bench) -> None:
    for copy_mode in ("background", "write-blocking"):
        for state in ("paused", "standby"):
            source = bench.disk(f"source-{copy_mode}-{state}", 256 * KIB, 0x11)
            target = bench.disk(f"target-{copy_mode}-{state}", 256 * KIB)
            guest = bench.guest(source)
            reach(bench, state, source, target, copy_mode=copy_mode)
            bench.show_progress()
            for offset, length in ((0, GRANULE), (2 * GRANULE, GRANULE), (3 * GRANULE + 512, 512)):
                guest.write(offset, length, 0x22)
                bench.show_progress()
            bench.compare(source, target)
            source.storage.clear_rules()
            bench.execute("job-resume", id="job0")
            if state == "paused":
                bench.wait_event("BLOCK_JOB_READY")
            bench.wait_until(lambda: bench.dirty_bytes() == 0, "nothing to be dirty")
            bench.wait_until(lambda: bench.progress()[0] == bench.progress()[1], "the copy to be counted")
            bench.show_progress()
            bench.require_equal(source, target)
            bench.execute("job-complete", id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="null")
            bench.require_equal(source, target)
