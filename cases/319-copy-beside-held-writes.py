"""319-copy-beside-held-writes: the background copy goes on while two active writes wait for the target.

Two guests' writes are on their way to a target that does not answer them. They hold no slot and no buffer, so the copy
of everything else waits for neither, to the end; with one of them held a copy that waits for just any operation to end
could pass as well.

Groups: active held quick
Needs: copy-mode=write-blocking
Source: A17, BF-19, GAP-10
"""

from harness.bench import Bench
from harness.guest import show_all
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB, 0x99)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule")
    target.hold("write", offset=8 * GRANULE, length=2 * GRANULE)
    requests = [guest.start_write(8 * GRANULE, GRANULE, 0x70), guest.start_write(9 * GRANULE, GRANULE, 0x71)]
    target.wait_held(2)
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_until(lambda: bench.dirty_bytes() == 0, "everything else to be copied")
    bench.wait_event("BLOCK_JOB_READY")
    show_all(requests)
    target.let_everything_pass()
    for request in requests:
        request.wait()
    bench.show_progress()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
    bench.require_equal(source, target)
