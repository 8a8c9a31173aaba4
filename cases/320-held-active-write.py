"""320-held-active-write: a guest is not answered before the target has its data, and everything else goes on.

Groups: active held quick
Needs: copy-mode=write-blocking
Source: real-qemu D7, QE-18
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 4 * MIB, 0x11)
    target = bench.disk("target", 4 * MIB)
    guest = bench.guest(source)

    bench.note("before READY: the granule is clean from the moment its data is on the way")
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.show_progress()
    target.hold("write")
    early = guest.start_write(1 * MIB, GRANULE, 0x22)
    (request,) = target.wait_held()
    bench.show_progress()
    bench.note("the source has the data, the guest has no answer")
    guest.read(1 * MIB, GRANULE)
    early.show()
    target.release(request)
    early.wait()
    bench.show_progress()

    target.let_everything_pass()
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")

    bench.note("after READY the same")
    target.hold("write")
    late = guest.start_write(2 * MIB, 512, 0x33)
    (request,) = target.wait_held()
    bench.show_job()
    bench.compare(source, target)
    bench.note("a write elsewhere does not wait for it, nor does a read of the same sector")
    other = guest.start_write(3 * MIB, 512, 0x44)
    guest.read(2 * MIB, 1024)
    late.show()
    other.show()
    target.wait_held(2)
    target.release(request)
    late.wait()
    other.show()
    target.release_all()
    other.wait()
    bench.show_progress()
    bench.require_equal(source, target)

    target.let_everything_pass()
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
