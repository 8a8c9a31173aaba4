"""261-found-images: drive-mirror to images that are there minds large clusters, and gives them their backing files.

Groups: chains clusters drive device
Needs: drive-mirror driver=qcow2 device_add
Source: 041-A-small_buffer2, 041-A-large_cluster, 041-G-complete, 041-G-cancel, 041-G-large_cluster, 041-H-complete_top,
    041-H-complete_full, QD-03
"""

from harness.bench import Bench
from harness.devices import Devices
from harness.image_files import ImageFiles
from harness.units import KIB, MIB


class Mirror:
    """A device over an image on a raw file, which goes to images that are there."""

    def __init__(self, bench: Bench, base_size: int, size: int) -> None:
        self.bench = bench
        self.size = size
        self.devices = Devices(bench)
        bench.hide_pauses("every change of the graph drains what it changes")
        self.files = ImageFiles(bench)
        base = bench.node("base", "file", filename=self.files.raw("base", base_size, 0x10), read_only=True)
        image = self.files.make("source", size, backing="base.img", backing_format="raw")
        self.files.open("source", image, backing=base)
        self.devices.plug("disk", "source", share_rw=True)
        self.guest = bench.guest("source")
        self.source = "source"

    def go(self, name: str, *, cancel: bool = False, **options: object) -> None:
        bench = self.bench
        given = {"mode": "existing", "format": "qcow2", "target": f"{name}.img", "node-name": name}
        bench.execute("drive-mirror", given, device=self.source, job_id="job0", **options)
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("block-job-cancel" if cancel else "block-job-complete", device="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        self.devices.show()
        self.guest.read(0, self.size)
        if not cancel:
            self.source = name


def run(bench: Bench) -> None:
    mirror = Mirror(bench, 1 * MIB, 2 * MIB)
    mirror.guest.write(64 * KIB, 512, 0x11)
    mirror.guest.write(1 * MIB + 320 * KIB, 64 * KIB, 0x12)
    files = mirror.files

    bench.note("the source is longer than its backing file (041-H)")
    files.make("top", 2 * MIB, backing="base.img", backing_format="raw")
    mirror.go("top", sync="top", cancel=True)
    mirror.go("top", sync="top")
    bench.note("clusters larger than the buffer (041-A)")
    files.make("large", 2 * MIB, cluster=1 * MIB)
    mirror.go("large", sync="full", buf_size=64 * KIB)
    bench.note("large clusters and a backing file (041-A)")
    files.make("large-over-base", 2 * MIB, cluster=1 * MIB, backing="base.img", backing_format="raw")
    mirror.go("large-over-base", sync="full")
    bench.note("larger clusters over an empty backing file (041-G)")
    files.make("empty", 2 * MIB)
    files.make("larger-over-empty", 2 * MIB, cluster=2 * MIB, backing="empty.img")
    mirror.go("larger-over-empty", sync="full", granularity=4096)
    bench.note("the backing file that the source had, cancelled and completed (041-G)")
    files.make("over-base", 2 * MIB, backing="base.img", backing_format="raw")
    mirror.go("over-base", sync="full", cancel=True)
    mirror.go("over-base", sync="full")
