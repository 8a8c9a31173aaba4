"""316-many-writes: any number of active writes may be under way at once, before READY and after, and all are mirrored.

They count as none of the mirror's 16 operations and use none of its buffers.

Groups: active
Needs: copy-mode=write-blocking
Source: GAP-10, TP-32, BF-05
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 4 * MIB, 0x11)
    target = bench.disk("target", 4 * MIB)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking", speed=1, buf_size=GRANULE)
    bench.show_progress()
    for ready in (False, True):
        if ready:
            bench.execute("block-job-set-speed", device="job0", speed=0)
            bench.wait_event("BLOCK_JOB_READY")
            bench.require_equal(source, target)
        for count in (1, 2, 4, 8, 14):
            bench.note(f"{count} held on their way to the target {'after' if ready else 'before'} READY")
            rule = target.storage.hold()
            requests = [guest.start_write(number * 4 * GRANULE, 2 * GRANULE, count) for number in range(count)]
            target.wait_held(count)
            rule.remove()
            target.release_all()
            for request in requests:
                request.wait()
        bench.note("64, next to each other and one over the other")
        requests = [guest.start_write(number * 32 * KIB, 128 * KIB, 0x80 + number) for number in range(64)]
        for request in requests:
            bench.wait(lambda request=request: request.done, "a guest's write")
        bench.say(f"{len(requests)} writes answered")
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
