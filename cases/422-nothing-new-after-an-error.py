"""422-nothing-new-after-an-error: once an error has ended a job it starts nothing more, not even what it had planned.

Every other granule is a hole, so a run of forty granules is as many requests, of which sixteen may be in flight. One of
these fails. The rest of the run is never sent.

Groups: background errors held quick
Source: C47, C43, GAP-10
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB
GRANULES = 40
IN_FLIGHT_MAX = 16


def run(bench: Bench) -> None:
    source = bench.disk("source", GRANULES * GRANULE)
    for number in range(0, GRANULES, 2):
        source.storage.fill(0x11, number * GRANULE, GRANULE)
    target = bench.disk("target", GRANULES * GRANULE, 0x99)
    for operation in ("write", "zero"):
        target.hold(operation)
    bench.mirror(source, target, buf_size=64 * GRANULE)
    held = target.wait_held(IN_FLIGHT_MAX)
    bench.say(f"held: {len(held)}")
    bench.note("one fails")
    # The last one: some releases notice an older answer only when a newer one comes.
    target.release(max(held, key=lambda request: request.offset), error="EIO")
    bench.wait_event("BLOCK_JOB_ERROR")
    bench.note("the others succeed")
    target.let_everything_pass()
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    sent = [request for request in target.storage.requests if request.operation in ("write", "zero")]
    bench.say(f"sent to the target: {len(sent)}")
