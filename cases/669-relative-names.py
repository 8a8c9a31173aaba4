"""669-relative-names: an active commit finds images by the names that are relative to each other, wherever they are.

Groups: chains commit quick
Needs: block-commit driver=qcow2 relative-names
Source: 040-RP-top_is_active
"""

from harness.bench import Bench
from harness.image_files import ImageFiles
from harness.units import KIB

SIZE = 256 * KIB


def run(bench: Bench) -> None:
    files = ImageFiles(bench)
    files.folder("images")
    files.make("images/base", SIZE)
    files.make("images/middle", SIZE, backing="base.img")
    files.make("images/top", SIZE, backing="middle.img")
    files.open("top", "images/top.img")
    guest = bench.guest("top")
    guest.write(64 * KIB, 64 * KIB, 0x22)
    bench.show_chain("top")
    bench.execute("block-commit", job_id="job0", device="top", base="images/base.img")
    bench.execute("block-commit", job_id="job0", device="top", base="../images/base.img")
    bench.wait_event("BLOCK_JOB_READY")
    guest.write(128 * KIB, 64 * KIB, 0x33)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    guest.read(0, SIZE)
