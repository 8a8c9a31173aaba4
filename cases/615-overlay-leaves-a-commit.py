"""615-overlay-leaves-a-commit: an image may be given another backing file while what was below it is committed.

The link above the commit's filter, which the user named, is not frozen. The commit goes on, and ends with nobody above
what it committed.

Groups: graph commit quick
Needs: block-commit blockdev-reopen driver=qcow2
Source: 245-block_commit_1, 141-3
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    base = bench.overlay("base", 1 * MIB)
    middle = bench.overlay("middle", 1 * MIB, backing=base)
    bench.guest(middle).write(0, 64 * KIB, 0x11)
    bench.close_guest(middle)
    top = bench.overlay("top", 1 * MIB, backing=middle)
    options = {"top_node": middle, "filter_node_name": "filter", "auto_finalize": False}
    bench.execute("block-commit", job_id="job0", device=top, **options)
    bench.wait_event("BLOCK_JOB_PENDING")
    option = {"driver": "qcow2", "node-name": top, "file": f"{top}-file", "backing": None}
    bench.execute("blockdev-reopen", options=[option])
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_graph()
    bench.guest(base).read(0, 128 * KIB)
