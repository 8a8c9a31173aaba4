"""654-backing-file-of-a-file: an image that drive-mirror made is put over what was not copied, any other over its own.

A new image says in its header what is not copied: for sync top the source's backing file, for none the source. The
device ends up over the image and just those nodes. An image that was there is put over what it names, which is opened
only when the job ends. The chain that the device leaves stays whole, unless a new image is over it.

Groups: chains graph device drive
Needs: drive-mirror device_add driver=qcow2
Source: 155-AP-full, 155-AP-top, 155-AP-none, 155-EN-full, 155-EN-top, 155-EN-none, 155-EB-full, 155-EB-top,
    155-EB-none, QD-09, BF-11
"""

from harness.bench import Bench
from harness.devices import Devices
from harness.image_files import ImageFiles
from harness.units import KIB

SIZE = 1440 * KIB
LAYERS = ("back0", "back1", "back2", "source")


def run(bench: Bench) -> None:
    devices = Devices(bench)
    bench.hide_pauses("every change of the graph drains what it changes")
    files = ImageFiles(bench)
    files.raw("other", SIZE, 0x77)
    open_chain(bench, files)
    for kind in ("AP", "EN", "EB", "EF"):
        for sync in ("full", "top", "none"):
            bench.note(f"{kind}-{sync}")
            devices.plug("disk", "source", share_rw=True)
            guest = bench.guest("source")
            move(bench, devices, files, kind, sync)
            if kind == "EB" and sync != "full":
                bench.note("what a disk of nothing reads as is nobody's business")
            else:
                guest.read(0, SIZE)
            devices.unplug("disk")
            bench.close_guest("source")
    for name in reversed(LAYERS):
        bench.execute("blockdev-del", node_name=name)


def open_chain(bench: Bench, files: ImageFiles) -> None:
    below = None
    for number, name in enumerate(LAYERS):
        file = files.make(name, SIZE, backing=f"{below}.img" if below else "")
        files.open(name, file, backing=below)
        bench.guest(name).write(number * 64 * KIB, SIZE if not number else 64 * KIB, 0x10 + number)
        bench.close_guest(name)
        below = name


def move(bench: Bench, devices: Devices, files: ImageFiles, kind: str, sync: str) -> None:
    target = f"target-{kind}-{sync}"
    if kind == "AP":
        files.expect(f"{target}.img")
        options = {"mode": "absolute-paths"}
    else:
        backing = {"EN": "", "EB": "null-co://", "EF": "other.img"}[kind]
        files.make(target, SIZE, backing=backing, backing_format="raw")
        options = {"mode": "existing"}
    options |= {"format": "qcow2", "node-name": target, "target": f"{target}.img"}
    bench.execute("drive-mirror", job_id="job0", device="source", sync=sync, auto_finalize=False, **options)
    bench.wait_event("BLOCK_JOB_READY")
    files.show_header(f"{target}.img")
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    devices.show()
    bench.show_chain(target)
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    devices.show()
    bench.show_chain("source")
