"""655-drive-mirror-in-an-iothread: what drive-mirror puts below its target is taken along to the source's iothread.

Groups: chains drive iothread quick
Needs: drive-mirror driver=qcow2 qom-type=iothread x-blockdev-set-iothread
Source: 127-1, 155-AP-top
"""

from harness.bench import Bench
from harness.image_files import ImageFiles
from harness.units import KIB

SIZE = 64 * KIB


def run(bench: Bench) -> None:
    files = ImageFiles(bench)
    bench.execute("object-add", {"qom-type": "iothread", "id": "thread0"})
    base = files.open("base", files.make("base", SIZE))
    source = files.open("source", files.make("source", SIZE, backing="base.img"), backing=base)
    bench.execute("x-blockdev-set-iothread", node_name=source, iothread="thread0")
    guest = bench.guest(source)
    guest.write(0, 512, 0x11)
    files.expect("target.img")
    bench.execute("drive-mirror", job_id="job0", device=source, sync="top", target="target.img", node_name="target")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain("target")
    guest.read(0, SIZE)
    guest.write(4 * KIB, 512, 0x22)
    guest.read(0, SIZE)
