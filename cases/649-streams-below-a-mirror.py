"""649-streams-below-a-mirror: images below a mirror's source are streamed into while the mirror goes on.

What the mirror holds is refused. What it does not, the images below its source, may change as long as the source shows
the same; the source itself is the root that a commit would need.

Groups: graph commit stream quick
Needs: block-commit block-stream.bottom blockdev-reopen copy-mode=write-blocking driver=qcow2
Source: TP-10, TP-40, TP-41, TP-42, 030-overlapping_3
"""

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("jobs drain what they change")
    bench.hide_event_members("len", "offset", reason="whether zeroes count depends on the version")
    below = None
    for number in range(5):
        below = bench.overlay(f"n{number}", SIZE, backing=below)
        bench.guest(below).write(number * 128 * KIB, 256 * KIB, 0x11 * (number + 1))
        bench.close_guest(below)
    guest = bench.guest("n4")
    guest.read(0, SIZE)
    target = bench.overlay("target", SIZE)
    bench.mirror("n4", target, copy_mode="write-blocking", filter_node_name="filter")
    bench.wait_event("BLOCK_JOB_READY")
    with graph_unchanged(bench):
        for node in ("n4", "filter", target):
            bench.execute("block-stream", job_id="job1", device=node)
            bench.execute("block-commit", job_id="job1", device=node)
        bench.execute("block-stream", job_id="job0", device="n2")
        bench.execute("block-commit", job_id="job1", device="n4", top_node="n2")
        bench.execute("block-commit", job_id="job1", device="filter", top_node="n2")
        bench.execute("block-commit", job_id="job1", device="n3")
    guest.write(64 * KIB, 64 * KIB, 0x66)
    bench.execute("block-stream", job_id="job1", device="n3", bottom="n2")
    bench.wait_event("JOB_STATUS_CHANGE", id="job1", status="null")
    guest.write(960 * KIB, 64 * KIB, 0x77)
    bench.execute("block-stream", job_id="job1", device="n3")
    bench.wait_event("JOB_STATUS_CHANGE", id="job1", status="null")
    bench.show_chain("n4")
    guest.read(0, SIZE)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
    bench.show_chain(target)
    guest.read(0, SIZE)
