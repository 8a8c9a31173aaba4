"""800-async-acknowledges: in write-async a guest is answered when the source has its data, and the target gets it too.

Both writes start together. What is on its way is not dirty, it is claimed; it adds to both ends of the progress as an
active write does, and the job's end waits for it although no guest does.

Groups: modes async held quick
Needs: copy-mode=write-async
Source: TD-5
"""

from harness.bench import Bench
from harness.guest import show_all
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    guest = bench.guest(source)

    bench.note("before READY: part of a dirty granule is left to the background copy, a whole one is clean from now on")
    bench.mirror(source, target, copy_mode="write-async", speed=1, buf_size=GRANULE)
    target.hold("write")
    part = guest.start_write(4 * GRANULE + 512, 512, 0x33)
    whole = guest.start_write(2 * GRANULE, GRANULE, 0x22)
    target.wait_held()
    bench.show_progress()
    target.let_everything_pass()
    show_all([part, whole])
    bench.show_progress()

    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    bench.require_equal(source, target)

    bench.note("after READY: the source answers alone")
    source.hold("write")
    target.hold("write")
    late = guest.start_write(5 * GRANULE, 512, 0x44)
    (on_source,) = source.wait_held()
    (on_target,) = target.wait_held()
    source.release(on_source)
    late.wait()
    bench.show_progress()
    bench.compare(source, target)
    bench.say(f"actively-synced {bench.job()['actively-synced']}")
    bench.note("the other way round: the target alone answers nobody")
    other = guest.start_write(7 * GRANULE, 512, 0x55)
    (on_source,) = source.wait_held()
    target.wait_held(2)
    target.release(on_target)
    target.release_all()
    other.show()
    source.release(on_source)
    other.wait()
    bench.require_equal(source, target)

    bench.note("the end waits for what is on its way")
    source.let_everything_pass()
    last = guest.start_write(9 * GRANULE, 512, 0x66)
    last.show()
    bench.execute("job-complete", id="job0")
    bench.say(f"status {bench.job()['status']}")
    target.let_everything_pass()
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
