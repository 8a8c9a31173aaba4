"""258-zeroes-over-a-backing-file-by-name: zeroes of the source are copied to a new image over the old base.

`drive-mirror` opens its image without a backing file, and gives it one when the job ends.

Groups: chains drive quick
Needs: drive-mirror driver=qcow2
Source: A1, 155-AP-top, GAP-01
"""

from harness.bench import Bench
from harness.image_files import ImageFiles
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    bench.hide_event_members("len", "offset", reason="whether zeroes count depends on the version")
    files = ImageFiles(bench)
    base = files.open("base", files.make("base", SIZE))
    bench.guest(base).write(0, SIZE, 0xAA)
    bench.close_guest(base)
    source = files.open("source", files.make("source", SIZE, backing="base.img"), backing=base)
    guest = bench.guest(source)
    guest.zero(0, 128 * KIB)
    guest.write(256 * KIB, 64 * KIB, 0x11)
    files.expect("target.img")
    bench.execute("drive-mirror", job_id="job0", device=source, sync="top", target="target.img", node_name="target")
    bench.wait_event("BLOCK_JOB_READY")
    guest.zero(512 * KIB, 64 * KIB)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain("target")
    guest.read(0, SIZE)
