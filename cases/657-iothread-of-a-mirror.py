"""657-iothread-of-a-mirror: source, target, filter and job of a mirror move to an iothread together, or not at all.

Groups: graph iothread quick
Needs: driver=null-co qom-type=iothread x-blockdev-set-iothread device_add
Source: UI-1
"""

from harness.bench import Bench
from harness.devices import Devices
from harness.units import MIB


def run(bench: Bench) -> None:
    devices = Devices(bench)
    bench.hide_pauses("every change of the graph drains what it changes")
    bench.execute("object-add", {"qom-type": "iothread", "id": "thread0"})
    for name in ("source", "target"):
        bench.node(name, "null-co", size=1 * MIB)
    bench.mirror("source", "target", sync="none", filter_node_name="filter")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("x-blockdev-set-iothread", node_name="target", iothread="thread0")
    for node, thread in (("source", "thread0"), ("target", None), ("target", "thread0"), ("filter", None)):
        bench.execute("x-blockdev-set-iothread", node_name=node, iothread=thread, force=node == "target")
    bench.note("a device that has no iothread of its own keeps all of them where they are")
    devices.plug("disk", "filter")
    for node in ("source", "target"):
        bench.execute("x-blockdev-set-iothread", node_name=node, iothread="thread0", force=True)
    devices.unplug("disk")
    bench.execute("x-blockdev-set-iothread", node_name="target", iothread="thread0", force=True)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.execute("blockdev-del", node_name="source")
    bench.execute("blockdev-del", node_name="target")
