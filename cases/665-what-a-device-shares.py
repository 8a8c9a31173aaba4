"""665-what-a-device-shares: a device that shares no writes keeps others from writing, above and below a filter.

What the device needs and refuses holds for the source as long as the job runs, and for the target afterwards.

Groups: graph device permissions quick
Needs: device_add
Source: A21, BF-31, UG-1
"""

from harness.bench import Bench
from harness.devices import Devices
from harness.units import MIB


def run(bench: Bench) -> None:
    devices = Devices(bench)
    bench.hide_pauses("every change of the graph drains what it changes")
    source, target = bench.disk("source", 1 * MIB, 0x11), bench.disk("target", 1 * MIB)
    reader = bench.disk("read-only", 1 * MIB, read_only=True)
    devices.plug("disk", source.name)
    devices.plug("of-read-only", reader.name)
    bench.note("before the job")
    plug_another(bench, source.name)
    bench.mirror(target, source)
    bench.show_graph()
    bench.mirror(source, target, filter_node_name="filter")
    bench.wait_event("BLOCK_JOB_READY")
    bench.note("during the job: below the filter, above it, and on the target")
    for node in ("source", "filter", "target"):
        plug_another(bench, node)
    bench.show_graph()
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.note("after the job")
    plug_another(bench, "target")
    bench.show_graph()


def plug_another(bench: Bench, node: str) -> None:
    bench.execute("device_add", driver="scsi-hd", id="another", drive=node)
    bench.execute("device_add", driver="scsi-hd", id="another", drive=node, share_rw=True)
