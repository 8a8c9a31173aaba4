"""667-drive-unplugged: a drive goes with its device, and takes the jobs on it along.

A mirror that is copying is cancelled, one that is ready ends as after a soft cancel. (Over a node that a user made, a
mirror goes on when the device goes: 662.)

Groups: graph drive device quick
Needs: drive device_add
Source: TP-11
"""

from harness.bench import Bench
from harness.devices import Devices
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    devices = Devices(bench)
    bench.hide_pauses("every change of the graph drains what it changes")
    bench.hide_event_members("offset", reason="a drained job that is limited copies on in some versions")
    for moment in ("copying", "ready"):
        bench.note(moment)
        source = bench.disk(f"source-{moment}", 4 * GRANULE, 0x11, drive=f"drive-{moment}")
        target = bench.disk(f"target-{moment}", 4 * GRANULE)
        devices.plug("disk", f"drive-{moment}")
        limits = {"speed": 1, "buf_size": GRANULE} if moment == "copying" else {}
        bench.mirror(f"drive-{moment}", target, **limits)
        if moment == "copying":
            bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule")
        else:
            bench.wait_event("BLOCK_JOB_READY")
        devices.unplug("disk")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        devices.show()
        names = sorted(node["node-name"] for node in bench.query("query-named-block-nodes"))
        bench.say(f"nodes that are left: {', '.join(names)}")
        if moment == "ready":
            bench.require_equal(source, target)
