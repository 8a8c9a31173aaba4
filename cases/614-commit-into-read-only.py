"""614-commit-into-read-only: a read-only image is written for an active commit, and is read-only again if that fails.

Groups: commit quick
Needs: blockdev-reopen block-commit driver=qcow2
Source: A20, BF-24, 040-SD-top_is_active
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    base = bench.overlay("base", 1 * MIB, read_only=True)
    top = bench.overlay("top", 1 * MIB, backing=base)
    bench.guest(top).write(0, 64 * KIB, 0x11)
    show(bench, base)
    bench.execute("block-commit", job_id="job0", device=top, filter_node_name=base)
    show(bench, base)
    for end in ("force", "complete"):
        bench.execute("block-commit", job_id="job0", device=top)
        bench.wait_event("BLOCK_JOB_READY")
        show(bench, base)
        if end == "force":
            bench.execute("block-job-cancel", device="job0", force=True)
        else:
            bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        show(bench, base)
    bench.guest(top).write(64 * KIB, 64 * KIB, 0x22)
    bench.guest(top).read(0, 256 * KIB)


def show(bench: Bench, name: str) -> None:
    nodes = bench.query("query-named-block-nodes")
    read_only = next(node["ro"] for node in nodes if node["node-name"] == name)
    bench.say(f"{name} is {'read-only' if read_only else 'writable'}")
