"""850-mirrored-reads: what a guest reads of whole dirty granules goes to the target, and is not read again.

Groups: modes reads held quick
Needs: copy-mode=read-write-blocking
Source: TD-4
"""

from harness.bench import Bench
from harness.guest import show_all
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    size = 1 * MIB + 512
    source = bench.disk("source", size, 0x11)
    target = bench.disk("target", size, 0xFF)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="read-write-blocking", speed=1, buf_size=GRANULE)
    bench.show_progress()

    bench.note("a whole granule, and two with a part on either side")
    guest.read(2 * GRANULE, GRANULE)
    bench.show_progress()
    guest.read(5 * GRANULE - 512, 2 * GRANULE + 1024)
    bench.show_progress()
    bench.note("part of one, and one that is clean: nothing")
    guest.read(8 * GRANULE + 512, GRANULE - 512)
    guest.read(2 * GRANULE, GRANULE)
    bench.show_progress()
    bench.note("the last granule is short, and whole when it is read to the end")
    guest.read(1 * MIB, 512)
    bench.show_progress()

    bench.note("the read returns when the target has what it read; a write of the same granule waits for it")
    target.hold("write")
    reading = guest.start_read(10 * GRANULE, GRANULE)
    target.wait_held()
    writing = guest.start_write(10 * GRANULE, 512, 0x22)
    beside = guest.start_read(10 * GRANULE, GRANULE)
    show_all([reading, writing, beside])
    target.release_all()
    target.release_all()
    show_all([reading, writing, beside])
    target.let_everything_pass()

    bench.note("a mirrored read that fails at the target does not fail the guest's, and leaves the granule dirty")
    before = bench.dirty_bytes()
    bench.execute("job-change", id="job0", type="mirror", on_target_error="ignore")
    target.fail("write")
    guest.read(12 * GRANULE, GRANULE)
    bench.say(f"cleaned {before - bench.dirty_bytes()}")
    bench.note("one that fails at the source fails, and leaves it dirty too")
    source.fail("read")
    guest.read(12 * GRANULE, GRANULE)
    bench.say(f"cleaned {before - bench.dirty_bytes()}")

    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
