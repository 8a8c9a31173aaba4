"""656-backing-file-missing: a mirror that cannot open what its target's image names fails, and its guest stays.

The command to complete is accepted, since the file could still come: it is opened when the job ends. The guest must not
be put over half of its disk because of that.

Groups: chains graph drive quick
Needs: drive-mirror driver=qcow2
Source: C53, BF-11
"""

from harness.bench import Bench
from harness.image_files import ImageFiles
from harness.units import KIB

SIZE = 256 * KIB


def run(bench: Bench) -> None:
    files = ImageFiles(bench)
    base = bench.overlay("base", SIZE)
    bench.guest(base).write(0, SIZE, 0x10)
    bench.close_guest(base)
    bench.overlay("source", SIZE, backing=base)
    guest = bench.guest("source")
    guest.write(0, 64 * KIB, 0x11)
    bench.note("the file that the image names comes in time")
    files.make("image", SIZE, backing="late.img", backing_format="raw")
    mirror(bench, "source", "image")
    files.raw("late", SIZE, 0x77)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain("image")
    guest.read(0, SIZE)
    bench.note("the file that the image names does not come")
    orphan = files.make("orphan", SIZE, backing="gone.img", backing_format="raw")
    file = {"driver": "file", "filename": orphan}
    bench.execute("blockdev-add", {"driver": "qcow2", "node-name": "orphan", "file": file})
    mirror(bench, "image", "orphan")
    bench.execute("job-complete", id="job0")
    if bench.job().get("status") == "ready":
        bench.execute("job-cancel", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    guest.read(0, SIZE)


def mirror(bench: Bench, device: str, name: str) -> None:
    options = {"format": "qcow2", "target": f"{name}.img", "mode": "existing", "node-name": name}
    bench.execute("drive-mirror", options, device=device, sync="top", job_id="job0")
    bench.wait_event("BLOCK_JOB_READY")
