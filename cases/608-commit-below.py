"""608-commit-below: what images below the active layer hold goes down, and guests above see no difference.

Half a disk is copied at once, so a commit at a byte a second stops after 512 KiB; it can be paused, and cancelled.

Groups: commit quick
Needs: block-commit blockdev-reopen driver=qcow2
Source: 141-3, QE-01, QE-04, QS-03
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    below = None
    for number, (offset, length) in enumerate(((0, SIZE), (0, SIZE), (256 * KIB, 512 * KIB), (0, 3 * KIB))):
        below = bench.overlay(f"n{number}", SIZE, backing=below)
        bench.guest(below).write(offset, length, 0x11 * (number + 1))
        bench.close_guest(below)
    guest = bench.guest("n3")
    guest.read(0, SIZE)
    bench.note("slow, and given up")
    bench.execute("block-commit", job_id="job0", device="n3", top_node="n1", speed=1)
    bench.wait_until(lambda: bench.progress()[0] > 0, "a piece to be copied")
    bench.show_job()
    bench.execute("blockdev-del", node_name="n0")
    bench.execute("job-pause", id="job0")
    bench.show_job()
    bench.execute("job-complete", id="job0")
    guest.write(960 * KIB, 64 * KIB, 0x77)
    bench.execute("block-job-cancel", device="job0", force=True)
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain("n3")
    guest.read(0, SIZE)
    bench.note("into the image below, then everything into the lowest")
    for options in ({"top_node": "n2", "base_node": "n1"}, {"top_node": "n1"}):
        bench.execute("block-commit", job_id="job0", device="n3", **options)
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.show_chain("n3")
        guest.read(0, SIZE)
        bench.execute("blockdev-del", node_name=options["top_node"])
    bench.note("and the active layer")
    bench.execute("block-commit", job_id="job0", device="n3")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_graph()
    guest.read(0, SIZE)
