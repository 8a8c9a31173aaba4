"""332-convergence: a job whose guests never stop writing copies the rest and becomes READY all the same.

At every moment at least one active write is on its way to the target: the next one is sent before the last is let go.
A job that waits for active writes to end before it copies on, as the first versions did, never gets a turn. What is
left to copy must be zero while the writes go on, and READY must come after no more storage requests than it takes to
copy each dirty granule once.

Groups: active held race quick
Needs: copy-mode=write-blocking
Source: 151-5, BF-19, GCIO-1
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB
WRITER = 8 * GRANULE


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.show_progress()
    target.hold("write", offset=WRITER, length=2 * GRANULE)
    bench.note("two writers that take turns: one of them is always under way")
    last = guest.start_write(WRITER, GRANULE, 0x20)
    target.wait_held()
    for turn in range(4):
        following = guest.start_write(WRITER + (turn + 1) % 2 * GRANULE, GRANULE, 0x21 + turn)
        held = target.wait_held(2)
        target.release(held[turn % 2])
        last.wait()
        last = following
    bench.show_progress()
    bench.note("and now the job may copy")
    requests_before = source.storage.request_count + target.storage.request_count
    granules = bench.dirty_bytes() // GRANULE
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_until(lambda: bench.dirty_bytes() == 0, "everything to be copied")
    bench.wait_event("BLOCK_JOB_READY")
    requests = source.storage.request_count + target.storage.request_count - requests_before
    bound = 2 * granules + 1
    bench.say(f"a read and a write for each of {granules} granules and a flush: READY after at most {bound} requests")
    if requests > bound:
        bench.fail(f"READY took {requests} requests, and {bound} would do")
    for turn in range(4, 6):
        following = guest.start_write(WRITER + (turn + 1) % 2 * GRANULE, GRANULE, 0x21 + turn)
        held = target.wait_held(2)
        target.release(held[turn % 2])
        last.wait()
        last = following
    bench.show_progress()
    target.let_everything_pass()
    last.wait()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
