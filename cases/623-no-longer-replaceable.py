"""623-no-longer-replaceable: whether a node may be replaced is asked again at the end, for the graph may have changed.

At the start there is only a filter between the source and the node that is to be replaced. A snapshot puts an image
between them, so what is read above it may differ from what is below: the target must not go there.

Groups: graph quick
Needs: blockdev-snapshot driver=copy-on-read driver=qcow2
Source: BF-07, C54, 041-P-replace_filter
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    image = bench.overlay("image", 1 * MIB)
    bench.node("outer", "copy-on-read", file=image)
    guest = bench.guest("outer")
    guest.write(0, 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    bench.mirror("outer", target, replaces=image, filter_node_name="filter")
    bench.wait_event("BLOCK_JOB_READY")
    bench.hide_pauses("a snapshot drains what it is put above")
    bench.execute("blockdev-snapshot", node=image, overlay=bench.overlay("snapshot", 1 * MIB))
    guest.write(64 * KIB, 64 * KIB, 0x22)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_graph()
    guest.read(0, 1 * MIB)
