"""607-busy-under-a-commit-below: what a commit below the active layer holds can be neither mirrored nor changed.

The images that go may not be read, the base not be written by others, the links down to the base not be moved; the job
waits to be finalized meanwhile. What is above the commit's filter is as before.

Groups: graph commit quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2
Source: TP-40, TP-42, 141-3, 245-block_commit_1, 040-SD-errors
"""

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged, try_to_take
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    bench.chain(4, 1 * MIB)
    spare = bench.overlay("spare", 1 * MIB)
    guest = bench.guest("n3")
    guest.write(0, 64 * KIB, 0x11)
    options = {"top_node": "n2", "base_node": "n0", "filter_node_name": "filter", "auto_finalize": False}
    bench.execute("block-commit", job_id="job0", device="n3", **options)
    bench.wait_event("BLOCK_JOB_PENDING")
    bench.show_graph()
    with graph_unchanged(bench):
        for node in ("n3", "n2", "n1", "n0", "filter"):
            bench.note(node)
            try_to_take(bench, node, spare)
            bench.execute("block-stream", job_id="job1", device=node)
        bench.note("links")
        for node, backing in (("n2", None), ("n1", "spare"), ("n0", "spare")):
            option = {"driver": "qcow2", "node-name": node, "file": f"{node}-file", "backing": backing}
            bench.execute("blockdev-reopen", options=[option] if node != "n0" else [option | {"read-only": True}])
        bench.execute("blockdev-reopen", options=[{"driver": "raw", "node-name": "filter", "file": "n2"}])
        bench.note("other users")
        for node, writable in (("n2", False), ("n1", False), ("n0", True), ("n0-file", False)):
            options = {"type": "nbd", "id": "reader", "name": "reader", "node-name": node, "writable": writable}
            bench.execute("block-export-add", options)
    guest.read(0, 128 * KIB)
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_graph()
    guest.read(0, 128 * KIB)
