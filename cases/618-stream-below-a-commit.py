"""618-stream-below-a-commit: a stream in the lower part of a chain goes on beside an active commit in the upper part.

Only the commit is READY. Each refuses what would touch the other's part, and both end as if they were alone, whichever
ends first.

Groups: commit stream graph quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2
Source: 030-stream_commit_1, 030-stream_commit_2, 030-overlapping_3
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("each job drains what it takes away")
    for first in ("stream", "commit"):
        bench.note(f"the {first} ends first")
        below = None
        for number in range(5):
            below = bench.overlay(f"{first}-{number}", SIZE, backing=below)
            bench.guest(below).write(number * 128 * KIB, 256 * KIB, 0x11 * (number + 1))
            bench.close_guest(below)
        guest = bench.guest(f"{first}-4")
        guest.read(0, SIZE)
        manual = {"auto-finalize": False}
        options = {"job-id": "commit", "device": f"{first}-4", "base-node": f"{first}-3"} | manual
        bench.execute("block-commit", options)
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("block-stream", {"job-id": "stream", "device": f"{first}-3"} | manual)
        bench.execute("block-stream", {"job-id": "stream", "device": f"{first}-2", "bottom": f"{first}-1"} | manual)
        bench.wait_event("BLOCK_JOB_PENDING", id="stream")
        bench.execute("job-complete", id="commit")
        bench.wait_event("BLOCK_JOB_PENDING", id="commit")
        for job in ("stream", "commit") if first == "stream" else ("commit", "stream"):
            bench.execute("job-finalize", id=job)
            bench.wait_event("JOB_STATUS_CHANGE", id=job, status="null")
        bench.show_graph()
        guest.read(0, SIZE)
