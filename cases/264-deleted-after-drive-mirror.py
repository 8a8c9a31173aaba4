"""264-deleted-after-drive-mirror: neither end of a drive-mirror can be deleted amid it, and the old one can afterwards.

The target belongs to nobody but who uses it: it cannot be deleted at all, and goes by itself.

Groups: chains drive quick
Needs: drive-mirror driver=qcow2
Source: 139-1, TP-49, QD-04
"""

from harness.bench import Bench
from harness.image_files import ImageFiles
from harness.units import KIB

SIZE = 256 * KIB


def run(bench: Bench) -> None:
    files = ImageFiles(bench)
    base = files.open("base", files.make("base", SIZE))
    source = files.open("source", files.make("source", SIZE, backing="base.img"), backing=base)
    guest = bench.guest(source)
    guest.write(0, SIZE, 0x11)
    files.expect("target.img")
    bench.execute("drive-mirror", job_id="job0", device=source, sync="top", target="target.img", node_name="target")
    bench.wait_event("BLOCK_JOB_READY")
    for node in ("source", "target", "base"):
        bench.execute("blockdev-del", node_name=node)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    for node in ("target", "base", "source"):
        bench.execute("blockdev-del", node_name=node)
    guest.read(0, SIZE)
    bench.close_guest(source)
    bench.execute("blockdev-del", node_name="base")
    bench.say(f"nodes that are left: {len(bench.query('query-named-block-nodes'))}")
