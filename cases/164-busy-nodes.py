"""164-busy-nodes: what belongs to a mirror can neither be deleted nor mirrored again until it is over.

A command that would use a busy node may drain it before it is refused, so most is tried while the job waits to be
finalized, and is quiet anyway.

Groups: job graph quick
Source: QS-09, QS-10, QS-11, 141-1, TP-10, TP-11, BF-33, 139-1
"""

from harness.bench import Bench
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 64 * KIB, 0x11)
    target = bench.disk("target", 64 * KIB)
    other = bench.disk("other", 64 * KIB)
    for state in ("ready", "pending"):
        bench.mirror(source, target, filter_node_name="filter", auto_finalize=False)
        bench.wait_event("BLOCK_JOB_READY")
        if state == "pending":
            bench.execute("job-complete", id="job0")
            bench.wait_event("BLOCK_JOB_PENDING")
        for name in ("source", "target", "filter", "nonexistent"):
            bench.execute("blockdev-del", node_name=name)
        for device in ("source", "target", "filter"):
            bench.mirror(device, other, job_id="job1", filter_node_name="other-filter")
        if state == "pending":
            for to in ("source", "target", "filter"):
                bench.mirror(other, to, job_id="job1")
        bench.execute("job-cancel", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.execute("blockdev-del", node_name="target")
    bench.execute("blockdev-del", node_name="source")
    bench.say(f"nodes: {[node['node-name'] for node in bench.query('query-named-block-nodes')]}")
