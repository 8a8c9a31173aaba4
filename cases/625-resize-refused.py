"""625-resize-refused: nobody can resize what others rely on, and nothing is changed by who asks for it.

Backing files, the file of an image, a disk of which a window shows a part, a window of a fixed size, an export's disk,
and the nodes of a commit and of a stream. What nobody relies on is resized, through filters too.

Groups: graph quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2 driver=throttle driver=null-co
Source: TP-10, QS-11, 041-B-source_resize, 041-B-target_resize
"""

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "group", "limits": {}})
    bench.chain(4, 1 * MIB)
    file = bench.file("file", 1 * MIB)
    bench.node("slow", "throttle", file=file, throttle_group="group")
    bench.node("null", "null-co", size=64 * KIB)
    bench.note("what nobody relies on")
    for name, size in (("n3", 2 * MIB), ("n3", 512 * KIB), ("n3", 1 * MIB), ("slow", 2 * MIB), ("file", 3 * MIB)):
        bench.execute("block_resize", node_name=name, size=size)
    show_sizes(bench)
    bench.node("window", "raw", file=file, offset=512, size=64 * KIB)
    bench.guest("null")
    with graph_unchanged(bench):
        for name in ("n0", "n0-file", "window", "file", "slow", "null"):
            bench.execute("block_resize", node_name=name, size=4 * MIB)
        bench.execute("block_resize", node_name="nowhere", size=4 * MIB)
        bench.execute("block_resize", node_name="n3", size=-1)
        bench.execute("block_resize", size=1)
    for command, options in (("block-commit", {"top-node": "n1"}), ("block-stream", {})):
        job = {"job-id": "job0", "device": "n3", "auto-finalize": False, "filter-node-name": "filter"}
        bench.execute(command, job | options)
        bench.wait_event("BLOCK_JOB_PENDING")
        with graph_unchanged(bench):
            for name in ("n3", "n2", "n1", "n0", "filter"):
                bench.execute("block_resize", node_name=name, size=2 * MIB)
        bench.execute("job-cancel", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
    show_sizes(bench)


def show_sizes(bench: Bench) -> None:
    for node in bench.query("query-named-block-nodes"):
        if node["node-name"] in ("n0", "n3", "window", "file"):
            bench.say(f"{node['node-name']} has {node['image']['virtual-size']} bytes")
