"""300-active-io: data and zeroes are written before, during and after the start of an active mirror, and it completes.

Upstream's first two tests of active mode, with requests held where upstream lets them run for a while: some are under
way when the job is started, some while it copies, some when it is told to complete. Once without a flush, when the job
has to complete without an error; once with one.

Groups: active quick
Needs: copy-mode=write-blocking
Source: 151-1, 151-2, QE-01, QE-18
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB
REQUEST = 128 * KIB


def run(bench: Bench) -> None:
    for flushed in (False, True):
        bench.note("with a flush before the end" if flushed else "without a flush before the end")
        live(bench, "flushed" if flushed else "plain", flushed)


def live(bench: Bench, name: str, flushed: bool) -> None:
    source = bench.disk(f"source-{name}", 4 * MIB, 0x01)
    target = bench.disk(f"target-{name}", 4 * MIB, 0x99)
    guest = bench.guest(source)

    bench.note("under way when the job is started: it waits for them")
    source.hold("write")
    early = [guest.start_write(512 * KIB + number * REQUEST, REQUEST, 0x02) for number in range(4)]
    source.wait_held(4)
    arguments = {"job-id": "job0", "device": source.name, "target": target.name, "sync": "full"}
    start = bench.start_execute(
        "blockdev-mirror", arguments | {"copy-mode": "write-blocking", "speed": 1, "buf-size": GRANULE}
    )
    source.let_everything_pass()
    for request in early:
        request.wait()
    bench.finish(start)
    bench.show_progress()

    bench.note("under way while it copies")
    target.hold("write", offset=1536 * KIB, length=1 * MIB)
    target.hold("zero", offset=2560 * KIB, length=512 * KIB)
    requests = [guest.start_write(1536 * KIB + number * REQUEST, REQUEST, 0x03) for number in range(4)]
    requests += [guest.start_zero(2560 * KIB + number * REQUEST, REQUEST) for number in range(2)]
    target.wait_held(6)
    bench.show_progress()
    target.let_everything_pass()
    for request in requests:
        request.wait()
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_progress()

    bench.note("under way when it is told to complete")
    target.hold("write")
    target.hold("zero")
    requests = [guest.start_write(2560 * KIB + number * REQUEST, REQUEST, 0x04) for number in range(4)]
    requests += [guest.start_zero(3 * MIB + number * REQUEST, REQUEST) for number in range(2)]
    target.wait_held(6)
    if flushed:
        requests.append(guest.start_flush())
        target.let_everything_pass()
        for request in requests:
            request.wait()
        requests = []
    complete = bench.start_execute("job-complete", id="job0")
    if not flushed:
        target.let_everything_pass()
    bench.finish(complete)
    for request in requests:
        request.wait()
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
    bench.require_equal(source, target)
