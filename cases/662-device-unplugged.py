"""662-device-unplugged: a device can be unplugged under a mirror; the job goes on, and its nodes stay until its end.

Groups: graph device quick
Needs: device_add
Source: TP-11, QS-10, 141-1
"""

from harness.bench import Bench
from harness.devices import Devices
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    devices = Devices(bench)
    bench.hide_pauses("every change of the graph drains what it changes")
    source, target = bench.disk("source", 1 * MIB, 0x11), bench.disk("target", 1 * MIB)
    devices.plug("disk", source.name, share_rw=True)
    guest = bench.guest(source)
    bench.execute("device_del", id="nothing")
    bench.execute("blockdev-del", node_name="source")
    bench.mirror(source, target, filter_node_name="filter")
    bench.wait_event("BLOCK_JOB_READY")
    devices.unplug("disk")
    devices.show()
    for node in ("source", "target"):
        bench.execute("blockdev-del", node_name=node)
    bench.note("another device takes its place, and is moved")
    devices.plug("successor", "filter", share_rw=True)
    guest.write(0, 64 * KIB, 0x22)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    devices.show()
    bench.require_equal(source, target)
    bench.execute("blockdev-del", node_name="source")
    bench.execute("blockdev-del", node_name="target")
