"""210-background-copy: a patterned disk is copied whole, and every byte of the target is written exactly once.

Groups: background quick
Source: 041-L-blockdev_full, 041-A-complete, QE-01
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 4 * MIB
SECTOR = 512


def run(bench: Bench) -> None:
    bench.note("each sector of the source holds its own number")
    pattern = b"".join(number.to_bytes(8, "big") * (SECTOR // 8) for number in range(SIZE // SECTOR))
    source = bench.disk("source", SIZE, data=pattern)
    target = bench.disk("target", SIZE, 0xFF)

    bench.mirror(source, target)
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_progress()
    written = bytearray(SIZE // SECTOR)
    for request in target.storage.requests:
        if request.operation == "write":
            for sector in range(request.offset // SECTOR, (request.offset + request.length) // SECTOR):
                written[sector] += 1
    bench.say(f"sectors of the target written how often: {sorted(set(written))}")
    lengths = {request.length // KIB for request in target.storage.requests if request.operation == "write"}
    bench.say(f"KiB in one write to the target: {sorted(lengths)}")
    bench.require_equal(source, target)

    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.require_equal(source, target)
    bench.say(f"the source was never written: {not any(r.operation == 'write' for r in source.storage.requests)}")
