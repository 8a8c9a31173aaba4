"""609-busy-under-a-stream: what a stream holds can be neither mirrored nor changed while it waits to be finalized.

The stream ends above `n0`: that image may be changed and streamed into, and the link to it moved.

Groups: graph stream quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2
Source: TP-40, TP-41, TP-42, 030-overlapping_3, 245-block_commit_1
"""

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged, try_to_take
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    bench.chain(4, 1 * MIB)
    spare = bench.overlay("spare", 1 * MIB)
    guest = bench.guest("n3")
    guest.write(0, 64 * KIB, 0x11)
    options = {"bottom": "n1", "filter_node_name": "filter", "auto_finalize": False}
    bench.execute("block-stream", job_id="job0", device="n3", **options)
    bench.wait_event("BLOCK_JOB_PENDING")
    bench.show_graph()
    with graph_unchanged(bench):
        for node in ("n3", "n2", "n1", "filter"):
            bench.note(node)
            try_to_take(bench, node, spare)
            bench.execute("block-stream", job_id="job1", device=node)
        bench.note("links")
        for node in ("n3", "n2"):
            option = {"driver": "qcow2", "node-name": node, "file": f"{node}-file", "backing": None}
            bench.execute("blockdev-reopen", options=[option])
        bench.execute("blockdev-reopen", options=[{"driver": "copy-on-read", "node-name": "filter", "file": "n2"}])
        bench.note("other users")
        bench.execute("block-export-add", {"type": "nbd", "id": "w", "name": "w", "node-name": "n1", "writable": True})
        bench.execute("blockdev-add", driver="blkdebug", node_name="g", image="n2", take_child_perms=["write"])
        bench.execute("blockdev-add", driver="blkdebug", node_name="g", image="n2", take_child_perms=["resize"])
    bench.note("below the stream")
    option = {"driver": "qcow2", "node-name": "n1", "file": "n1-file", "backing": "spare"}
    bench.execute("blockdev-reopen", options=[option])
    bench.execute("blockdev-del", node_name="n0")
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_graph()
    guest.read(0, 128 * KIB)
