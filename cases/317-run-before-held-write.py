"""317-run-before-held-write: a run of copies ends before a granule that an active write is about to change.

The buffer has room for two granules. While the first run is on its way, a guest writes the fourth granule, and that is
held on the source: the granule is still dirty, and taken. The next run could have the third and the fourth; it has the
third alone, or what the source held before could come to the target last.

Groups: active held quick
Needs: copy-mode=write-blocking
Source: C5, BF-13
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 6 * GRANULE, 0x11)
    target = bench.disk("target", 6 * GRANULE, 0x99)
    guest = bench.guest(source)
    target.hold("write")
    bench.mirror(source, target, copy_mode="write-blocking", buf_size=2 * GRANULE)
    (first_run,) = target.wait_held()
    source.hold("write")
    request = guest.start_write(3 * GRANULE, GRANULE, 0x22)
    (write,) = source.wait_held()
    target.release(first_run)
    (second_run,) = target.wait_held()
    bench.show_progress()
    bench.note("the write goes on, the second run is still on its way")
    source.release(write)
    target.wait_held(2)
    bench.show_progress()
    target.release(second_run)
    target.let_everything_pass()
    source.let_everything_pass()
    request.wait()
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_progress()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
