"""663-filter-with-a-name: a filter that was given a name is what the device is seen over as long as the job is there.

Groups: graph device quick
Needs: device_add driver=qcow2
Source: TP-08, 041-Q-explicit_mirror_filter, QA-11
"""

from harness.bench import Bench
from harness.devices import Devices
from harness.image_files import ImageFiles
from harness.units import KIB


def run(bench: Bench) -> None:
    devices = Devices(bench)
    bench.hide_pauses("every change of the graph drains what it changes")
    files = ImageFiles(bench)
    base = bench.node("base", "file", filename=files.raw("base", 256 * KIB, 0x11), read_only=True)
    source = files.open(
        "source", files.make("source", 256 * KIB, backing="base.img", backing_format="raw"), backing=base
    )
    devices.plug("disk", source)
    for ending in ("block-job-cancel", "block-job-complete"):
        target = files.open(ending[10:], files.make(ending[10:], 256 * KIB))
        bench.mirror(source, target, filter_node_name="filter")
        bench.wait_event("BLOCK_JOB_READY")
        devices.show()
        bench.execute(ending, device="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        devices.show()
