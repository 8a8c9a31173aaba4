"""604-busy-under-a-mirror: what must not be done to the nodes of a mirror is refused, and the mirror then ends well.

The job waits to be finalized meanwhile, so nothing else goes on. A node below the source that the job does not hold
keeps to the rules of overlays.

Groups: graph quick
Needs: blockdev-reopen driver=qcow2
Source: TP-10, TP-11, 141-1, 139-1, QS-10, BF-33, TP-40, 041-B-implicit_node
"""

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged, try_to_take
from harness.units import MIB


def run(bench: Bench) -> None:
    bench.hide_event_members("len", "offset", reason="whether zeroes count depends on the version")
    base = bench.overlay("base", 1 * MIB)
    source = bench.overlay("source", 1 * MIB, backing=base)
    target = bench.overlay("target", 1 * MIB)
    spare = bench.overlay("spare", 1 * MIB)
    bench.guest(source).write(0, 1 * MIB, 0x11)
    bench.mirror(source, target, sync="full", filter_node_name="filter", auto_finalize=False)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    with graph_unchanged(bench):
        for node in (base, source, target, "filter"):
            bench.note(f"{node}")
            try_to_take(bench, node, spare)
        bench.execute("blockdev-reopen", options=[{"driver": "raw", "node-name": "filter", "file": "source-file"}])
        bench.execute(
            "blockdev-reopen", options=[{"driver": "qcow2", "node-name": base, "file": "base-file", "backing": source}]
        )
        bench.execute("blockdev-del", node_name="source-file")
        bench.execute("blockdev-del", node_name="nowhere")
        bench.mirror(spare, "base-file", job_id="job1")
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.note("afterwards: the old source is free, the new one is in use")
    bench.execute("blockdev-del", node_name=target)
    bench.execute("blockdev-del", node_name=base)
    bench.execute("blockdev-del", node_name=source)
    bench.execute("blockdev-del", node_name=base)
    bench.guest("source").read(0, 1 * MIB)
