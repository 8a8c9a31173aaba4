"""606-commit-arguments: what an active commit cannot be asked, and what is frozen and busy while it is there.

The images between source and target may not be read, since the target changes under them, and nobody may change a link
of the chain.

Groups: graph commit quick
Needs: block-commit blockdev-reopen driver=qcow2
Source: 040-SD-errors, 245-block_commit_1, 030-overlapping_3, 141-2, 040-OB-commit_to_a, TP-41
"""

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged, try_to_take
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    base = bench.overlay("base", 1 * MIB)
    middle = bench.overlay("middle", 1 * MIB, backing=base)
    lower = bench.overlay("lower", 1 * MIB, backing=middle)
    top = bench.overlay("top", 1 * MIB, backing=lower)
    spare = bench.overlay("spare", 1 * MIB)
    bench.guest(top).write(0, 64 * KIB, 0x11)
    bench.note("arguments")
    bench.execute("block-commit", job_id="job0", device="nowhere")
    bench.execute("block-commit", job_id="job0", device=lower)
    bench.execute("block-commit", job_id="job0", device=top, base_node=top)
    bench.execute("block-commit", job_id="job0", device=top, base_node="nowhere")
    bench.execute("block-commit", job_id="job0", device=top, top_node="nowhere")
    bench.execute("block-commit", job_id="job0", device=top, base_node=spare)
    bench.execute("block-commit", job_id="job0", device=top, top_node=spare)
    bench.execute("block-commit", job_id="job0", device=top, top_node=base, base_node=lower)
    bench.execute("block-commit", job_id="job0", device=top, top="badfile")
    bench.execute("block-commit", job_id="job0", device=top, base="badfile")
    bench.execute("block-commit", job_id="job0", device=top, top="badfile", top_node=top)
    bench.execute("block-commit", job_id="job0", device=top, base="badfile", base_node=base)
    bench.execute("block-commit", device=top)
    bench.execute("block-commit", job_id="job0", device=top, filter_node_name=lower)
    bench.execute("block-commit", job_id="job0", device=top, speed=-1)
    bench.execute("block-commit", job_id="job0", device=top, backing_file="badfile")

    bench.execute(
        "block-commit", job_id="job0", device=top, base_node=middle, auto_finalize=False, filter_node_name="filter"
    )
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_graph()
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    with graph_unchanged(bench):
        for node in (top, lower, middle, base, "filter"):
            bench.note(f"{node}")
            try_to_take(bench, node, spare)
            if node not in (middle, base):
                reopen(bench, node, None)
    bench.note("below the commit, an image may be given another backing file")
    reopen(bench, middle, spare)
    bench.execute("blockdev-del", node_name=base)
    bench.execute("block-export-add", type="nbd", id="reader", node_name=lower, name="reader")
    bench.execute("block-export-add", type="nbd", id="reader", node_name=top, name="reader")
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_graph()
    bench.guest(top).read(0, 128 * KIB)


def reopen(bench: Bench, node: str, backing: str | None) -> None:
    option = {"driver": "qcow2", "node-name": node, "file": f"{node}-file", "backing": backing}
    bench.execute("blockdev-reopen", options=[option])
