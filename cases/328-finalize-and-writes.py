"""328-finalize-and-writes: active writes are under way when a job completes that waits to be finalized, and come later.

The job waits for the writes before it is pending. Its disks are drained then: what a guest sends waits until the job is
finalized, and is done on the target, or until it is cancelled, and is done on the source. Nothing is lost on the way.

Groups: active held race quick
Needs: copy-mode=write-blocking
Source: GAP-04, GAP-11, QE-06, QS-14, 151-1
"""

from harness.bench import Bench
from harness.guest import show_all
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    for verb in ("finalize", "cancel"):
        bench.note(verb)
        source = bench.disk(f"source-{verb}", 1 * MIB, 0x11)
        target = bench.disk(f"target-{verb}", 1 * MIB)
        guest = bench.guest(source)
        bench.mirror(source, target, copy_mode="write-blocking", auto_finalize=False)
        bench.wait_event("BLOCK_JOB_READY")
        source.hold("write", offset=0, length=GRANULE)
        target.hold("write", offset=4 * GRANULE, length=GRANULE)
        requests = [guest.start_write(0, GRANULE, 0x22), guest.start_write(4 * GRANULE, 512, 0x33)]
        source.wait_held()
        target.wait_held()
        pending = bench.start_execute("job-complete", id="job0")
        source.let_everything_pass()
        show_all(requests)
        target.let_everything_pass()
        bench.finish(pending)
        for request in requests:
            request.wait()
        bench.wait_event("BLOCK_JOB_PENDING", id="job0")
        bench.require_equal(source, target)

        bench.note("while it is pending")
        requests = [guest.start_write(2 * GRANULE, 512, 0x44), guest.start_zero(6 * GRANULE, GRANULE)]
        bench.require_equal(source, target)
        bench.execute(f"job-{verb}", id="job0")
        for request in requests:
            request.wait()
        bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
        for disk in (source, target):
            for offset in (2 * GRANULE, 6 * GRANULE):
                disk.show_byte(offset)
        guest.read(0, 1 * MIB)
