"""830-async-flush: a flush returns when all that was acknowledged before is on the target, and both disks are durable.

Groups: modes async held quick
Needs: copy-mode=write-async
Source: TD-5
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-async")
    bench.wait_event("BLOCK_JOB_READY")

    bench.note("nothing on its way: a flush of both disks")
    before = flushes(bench)
    guest.flush()
    bench.say(f"flushes of source and target: {difference(flushes(bench), before)}")

    target.hold("write")
    guest.write(0, GRANULE, 0x22)
    before = flushes(bench)
    flush = guest.start_flush()
    bench.say(f"flushes of source and target: {difference(flushes(bench), before)}")
    bench.note("what is acknowledged after it came is not its affair")
    guest.write(GRANULE, GRANULE, 0x33)
    first, second = target.wait_held(2)
    target.release(first)
    flush.wait()
    bench.say(f"flushes of source and target: {difference(flushes(bench), before)}")
    bench.compare(source, target)
    target.release(second)
    bench.require_equal(source, target)

    bench.note("a write with FUA is a write and a flush")
    before = flushes(bench)
    fua = guest.start_write(2 * GRANULE, 512, 0x44, fua=True)
    (request,) = target.wait_held()
    fua.show()
    target.release(request)
    fua.wait()
    bench.say(f"flushes of source and target: {difference(flushes(bench), before)}")

    target.let_everything_pass()
    bench.note("a flush that fails at the target is the policy's affair, not the guest's")
    target.fail("flush")
    guest.flush()
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.compare(source, target)


def flushes(bench: Bench) -> tuple[int, int]:
    """How many flushes the two disks have seen."""
    counts = [
        sum(request.operation == "flush" for request in bench.disk_named(name).storage.requests)
        for name in ("source", "target")
    ]
    return counts[0], counts[1]


def difference(now: tuple[int, int], before: tuple[int, int]) -> tuple[int, int]:
    """Element by element."""
    return now[0] - before[0], now[1] - before[1]
