"""627-target-above-the-source: while a guest writes a mirror's source, the target cannot be put above it.

However indirectly: nobody may count on the source staying as it is then, which an overlay does of what is below it.
Case 636 puts the target above a source that is only read.

Groups: graph chains quick
Needs: blockdev-reopen driver=qcow2
Source: UG-1, UG-2, GAP-13, QD-09
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    guest = bench.guest(source)
    target = bench.overlay("target", 1 * MIB, names_backing_file="source")
    bench.mirror(source, target, sync="none", filter_node_name="filter")
    bench.wait_event("BLOCK_JOB_READY")
    guest.write(0, 64 * KIB, 0x22)
    bench.hide_pauses("new links drain what they lead to")
    bench.node("between", "raw", file="source")
    options = {"driver": "qcow2", "node-name": target, "file": f"{target}-file", "backing": "between"}
    bench.execute("blockdev-reopen", options=[options])
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_graph()
    guest.write(128 * KIB, 64 * KIB, 0x33)
    guest.read(0, 1 * MIB)
