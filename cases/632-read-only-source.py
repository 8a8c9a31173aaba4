"""632-read-only-source: the target of a mirror of a read-only source is read-only when it takes the source's place.

Groups: graph quick
Needs: driver=null-co
Source: TP-18, 041-O-success
"""

from harness.bench import Bench
from harness.units import MIB


def run(bench: Bench) -> None:
    bench.guest(bench.disk("other", 1 * MIB))
    source, target = bench.disk("source", 1 * MIB, 0x11, read_only=True), bench.disk("target", 1 * MIB)
    bench.execute("block-export-add", type="nbd", id="reader", node_name="source", name="reader")
    bench.mirror(source, target)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    for node in bench.query("query-named-block-nodes"):
        if node["node-name"] in ("source", "target"):
            bench.say(f"{node['node-name']} is {'read-only' if node['ro'] else 'writable'}")
    bench.show_graph()
    bench.execute("block-export-add", type="nbd", id="writer", node_name="target", name="writer", writable=True)
    bench.compare(source, target)
