"""611-stream: an image gets what the images below it hold, down to the last or to one above a base.

In the middle of a chain, and given up half-way, as a guest of the active layer looks on.

Groups: stream quick
Needs: block-stream.bottom blockdev-reopen driver=qcow2
Source: 030-overlapping_3, TP-42, QE-01, QE-04
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB
WRITES = ((0, SIZE), (128 * KIB, 512 * KIB), (256 * KIB, 512 * KIB), (0, 3 * KIB))
"""Where each image has data of its own, the lowest first."""


def run(bench: Bench) -> None:
    below = None
    for number, (offset, length) in enumerate(WRITES):
        below = bench.overlay(f"n{number}", SIZE, backing=below)
        bench.guest(below).write(offset, length, 0x11 * (number + 1))
        bench.close_guest(below)
    guest = bench.guest("n3")
    guest.read(0, SIZE)
    for options in ({"device": "n2", "bottom": "n1"}, {"device": "n3", "base-node": "n0"}, {"device": "n3"}):
        bench.execute("block-stream", {"job-id": "job0", "auto-finalize": False} | options)
        bench.wait_event("BLOCK_JOB_PENDING")
        bench.show_job()
        guest.read(0, 64 * KIB)
        bench.execute("job-finalize", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.show_graph()
        guest.read(0, SIZE)
    bench.note("nothing to stream")
    bench.execute("block-stream", job_id="job0", device="n3")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.note("slow, and given up")
    full = bench.overlay("full", SIZE)
    bench.guest(full).write(0, SIZE, 0x55)
    bench.close_guest(full)
    top = bench.overlay("top", SIZE, backing=full)
    bench.execute("block-stream", job_id="job0", device=top, speed=1)
    bench.wait_until(lambda: bench.progress()[0] > 0, "a piece to be copied")
    bench.show_job()
    bench.execute("job-cancel", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(top)
    bench.guest(top).read(0, SIZE)
