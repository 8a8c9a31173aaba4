"""312-checked-reads: what a guest reads through the filter is what it wrote, at every stage of an active mirror.

No suite of upstream's checks data that is read while a mirror runs. A read waits for nothing: not for a copy of the
same granule, not for an active write of the same sector that is still on its way to the target.

Groups: active held quick
Needs: copy-mode=write-blocking
Source: GAP-05, TD-8
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB, 0x99)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.show_progress()

    bench.note("what is copied, what is not, what was written before and after")
    guest.write(0, 512, 0x22)
    guest.write(8 * GRANULE + 512, 512, 0x33)
    guest.write(10 * GRANULE, GRANULE, 0x44)
    guest.zero(11 * GRANULE, GRANULE)
    guest.read(0, 2 * GRANULE)
    guest.read(8 * GRANULE, GRANULE)
    guest.read(10 * GRANULE - 512, 2 * GRANULE + 1024)

    bench.note("while the source has the write and the target has not, and while not even the source has it")
    target.hold("write")
    first = guest.start_write(4 * GRANULE, GRANULE, 0x55)
    target.wait_held()
    guest.read(4 * GRANULE - 512, 1024)
    source.hold("write")
    second = guest.start_write(6 * GRANULE, GRANULE, 0x66)
    source.wait_held()
    guest.read(6 * GRANULE - 512, 1024)
    source.let_everything_pass()
    target.let_everything_pass()
    first.wait()
    second.wait()

    bench.note("a read that is under way when the write comes")
    source.hold("read")
    read = guest.start_read(13 * GRANULE, GRANULE)
    (held,) = source.wait_held()
    guest.write(13 * GRANULE, GRANULE, 0x77)
    source.release(held)
    read.wait()
    source.let_everything_pass()

    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    guest.read(0, 1 * MIB)
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.note("now from the target")
    guest.read(0, 1 * MIB)
    guest.write(0, 512, 0x88)
    guest.read(0, 1024)
    bench.compare(source, target)
