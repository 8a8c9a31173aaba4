"""840-async-errors: a failed write on either disk leaves nothing different that is not known to be so.

The target's failure never reaches the guest. The source's does; the target may have the data already, so the range is
dirty, and what the source has is copied.

Groups: modes async error held quick
Needs: copy-mode=write-async
Source: TD-5, QE-15, QE-16, QE-17
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    bench.note("the source fails after the target has the data; the job is paused, so that nothing is copied yet")
    source = bench.disk("source", 4 * GRANULE, 0x11)
    target = bench.disk("target", 4 * GRANULE)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-async", on_target_error="stop")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-pause", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="standby")
    source.hold("write")
    failing = guest.start_write(GRANULE, 512, 0x22)
    (request,) = source.wait_held()
    bench.compare(source, target)
    source.release(request, "EIO")
    failing.show()
    bench.show_progress()
    bench.say(f"actively-synced {bench.job()['actively-synced']}")
    source.let_everything_pass()
    bench.execute("job-resume", id="job0")
    wait_for_copies(bench)
    bench.require_equal(source, target)
    bench.show_progress()
    bench.say(f"actively-synced {bench.job()['actively-synced']}")

    bench.note("the target fails after the guest was answered: dirty, and the job stands by")
    target.fail("write")
    guest.write(2 * GRANULE, GRANULE, 0x33)
    bench.show_progress()
    bench.compare(source, target)
    bench.show_job()
    bench.note("what follows is mirrored all the same")
    guest.write(0, 512, 0x44)
    bench.execute("job-resume", id="job0")
    wait_for_copies(bench)
    bench.require_equal(source, target)

    bench.note("both fail")
    source.fail("write")
    target.fail("write")
    guest.write(3 * GRANULE, 512, 0x55)
    bench.execute("job-resume", id="job0")
    wait_for_copies(bench)
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)


def wait_for_copies(bench: Bench) -> None:
    """Until nothing is dirty and nothing is being copied."""
    bench.wait_until(lambda: bench.dirty_bytes() == 0 and len(set(bench.progress())) == 1, "the disks to be equal")
