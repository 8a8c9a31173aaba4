"""344-flush: a guest's flush reaches the source and not the target; the target is flushed before READY and at the end.

A write with FUA is a write and a flush of the source. Whoever loses power while a mirror runs still has the source.

Groups: active held quick
Needs: copy-mode=write-blocking
Source: MRCE-1, real-qemu D7
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11, write_back=True)
    target = bench.disk("target", 1 * MIB, write_back=True)
    guest = bench.guest(source)

    def show_unflushed() -> None:
        bench.say(
            f"unflushed: {len(source.storage.unflushed)} of the source, {len(target.storage.unflushed)} of target"
        )

    bench.mirror(source, target, copy_mode="write-blocking")
    bench.wait_event("BLOCK_JOB_READY")
    show_unflushed()
    guest.write(GRANULE, GRANULE, 0x22)
    guest.zero(3 * GRANULE, 512)
    show_unflushed()
    guest.flush()
    show_unflushed()
    guest.write(5 * GRANULE, 512, 0x33, fua=True)
    show_unflushed()
    bench.note("a flush waits for nothing but the source")
    target.hold("write")
    write = guest.start_write(7 * GRANULE, 512, 0x44)
    target.wait_held()
    guest.flush()
    source.hold("flush")
    flush = guest.start_flush()
    source.wait_held()
    source.let_everything_pass()
    flush.wait()
    target.let_everything_pass()
    write.wait()
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    show_unflushed()
    bench.require_equal(source, target)
