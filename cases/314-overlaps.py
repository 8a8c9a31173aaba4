"""314-overlaps: active writes that overlap are done one after the other, whatever the pattern; others do not wait.

The same range, one within another, a part shared, a chain and a star. All are sent before any is done; whatever is on
its way to the source is let through, again and again. After each, source and target have the same winner everywhere.

Groups: active held race quick
Needs: copy-mode=write-blocking
Source: 151-4, BF-13, GAP-10
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB

PATTERNS = {
    "the same": [(0, 4), (0, 4), (0, 4)],
    "nested": [(0, 8), (2, 4), (3, 1)],
    "nested, the small one first": [(3, 1), (2, 4), (0, 8)],
    "in part": [(0, 4), (2, 4)],
    "a chain": [(0, 3), (2, 3), (4, 3), (6, 3)],
    "a star": [(4, 2), (0, 5), (5, 5), (3, 1)],
    "side by side": [(0, 2), (2, 2), (4, 2)],
}


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking")
    bench.wait_event("BLOCK_JOB_READY")
    value = 0x20
    for name, ranges in PATTERNS.items():
        bench.note(name)
        hold = source.storage.hold()
        requests = []
        for first, count in ranges:
            value += 1
            requests.append(guest.start_write(first * GRANULE, count * GRANULE, value))
        while not all(request.done for request in requests):
            held = source.wait_held()
            for request in held:
                source.release(request)
        hold.remove()
        for request in requests:
            request.wait()
        guest.read(0, 10 * GRANULE)
        bench.require_equal(source, target)
    bench.note("less than a granule: neighbours in one granule wait for each other, too")
    hold = source.storage.hold()
    requests = [guest.start_write(512 * number, 512, 0x40 + number) for number in range(3)]
    while not all(request.done for request in requests):
        for request in source.wait_held():
            source.release(request)
    hold.remove()
    for request in requests:
        request.wait()
    bench.require_equal(source, target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
