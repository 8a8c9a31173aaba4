"""678-commit-into-a-preallocating-file: an active commit goes through a filter that allocates ahead, and gives it back.

Groups: commit
Needs: block-commit driver=qcow2 driver=preallocate
Source: 298-external_snapshot
"""

from harness.bench import Bench
from harness.image_files import ImageFiles
from harness.units import KIB, MIB

SIZE = 4 * MIB


def run(bench: Bench) -> None:
    files = ImageFiles(bench)
    file = {"driver": "file", "filename": files.make("base", SIZE)}
    ahead = {"driver": "preallocate", "prealloc-size": 10 * MIB, "prealloc-align": 1 * MIB, "file": file}
    bench.node("base", "qcow2", file=ahead)
    top = bench.overlay("top", SIZE, backing="base")
    guest = bench.guest(top)
    guest.write(0, 64 * KIB, 0x22)
    bench.execute("block-commit", job_id="job0", device=top)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain("base")
    guest.write(64 * KIB, 64 * KIB, 0x33)
    guest.read(0, 192 * KIB)
    size = (bench.folder / "base.img").stat().st_size
    bench.say(f"base.img has {'more than it needs' if size > SIZE else 'what it needs'}")
    bench.close_guest(top)
    bench.execute("blockdev-del", node_name=top)
    bench.execute("blockdev-del", node_name="base")
    size = (bench.folder / "base.img").stat().st_size
    bench.say(f"base.img has {'more than it needs' if size > SIZE else 'what it needs'}")
