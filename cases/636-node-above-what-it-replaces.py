"""636-node-above-what-it-replaces: a target that has come to be above its source takes its place, and makes no loop.

While the mirror waits to be finalized, the target gets a backing file that is itself an overlay of the source. When the
target takes the source's place, that overlay, whose link is not the target's own but one further below, must go on
using the source. The rule of 2018 spared only the target's own links. Nobody writes the source meanwhile: the overlay,
on behalf of the target, would not let that be.

Groups: graph chains quick
Needs: blockdev-snapshot blockdev-reopen driver=qcow2
Source: UG-2, GAP-13, 155-BS-none
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("new nodes drain what they are put above")
    bench.guest(bench.disk("other", 1 * MIB))
    source = bench.disk("source", 1 * MIB, 0x11)
    bench.execute("block-export-add", type="nbd", id="reader", node_name="source", name="reader")
    target = bench.overlay("target", 1 * MIB)
    bench.mirror(source, target, sync="none", auto_finalize=False)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    between = bench.overlay("between", 1 * MIB, backing="source")
    bench.execute("blockdev-snapshot", node=between, overlay=target)
    bench.show_chain(target)
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_graph()
    bench.show_chain(target)
    bench.guest(target).read(0, 256 * KIB)
