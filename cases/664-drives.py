"""664-drives: a drive stands for its node, gives a job its name, and cannot be mirrored when it has no medium.

Groups: graph drive device quick
Needs: drive drive-mirror device_add
Source: 041-A-medium_not_found, 041-B-medium_not_found, 041-C-medium_not_found, 041-D-medium_not_found,
    041-E-medium_not_found, 041-F-medium_not_found, 041-N-medium_not_found, QD-10, QD-04, TP-49, QA-01
"""

from harness.bench import Bench
from harness.devices import Devices
from harness.image_files import ImageFiles
from harness.units import KIB


def run(bench: Bench) -> None:
    devices = Devices(bench)
    files = ImageFiles(bench)
    bench.hide_pauses("every change of the graph drains what it changes")
    bench.note("without a medium")
    devices.add_empty_drive("cd")
    devices.show()
    files.expect("never.img")
    bench.execute("drive-mirror", device="cd", sync="full", target="never.img", format="raw")
    bench.execute("drive-mirror", device="cd", sync="full", target="never.img", node_name="copy", replaces="source")
    bench.mirror("cd", "nothing")
    bench.say(f"never.img is {'there' if (bench.folder / 'never.img').exists() else 'not there'}")

    bench.note("a job on a drive, and one on the drive's node, is called as the drive is")
    bench.disk("source", 256 * KIB, 0x11, drive="drive0")
    devices.show()
    for device, number in (("drive0", 1), ("copy1", 2)):
        files.expect(f"copy{number}.img")
        options = {"target": f"copy{number}.img", "format": "raw", "node-name": f"copy{number}"}
        bench.execute("drive-mirror", options, device=device, sync="full")
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("drive-mirror", options, device=device, sync="full", job_id="second")
        bench.mirror("cd", "drive0")
        bench.execute("block-job-complete", device="drive0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        devices.show()
    bench.note("the drive gets a device, and goes with it")
    devices.plug("disk", "drive0")
    bench.execute("device_add", driver="scsi-hd", id="second", drive="drive0")
    devices.show()
    devices.unplug("disk")
    devices.show()
