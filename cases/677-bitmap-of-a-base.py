"""677-bitmap-of-a-base: a bitmap of the image that an active commit goes to records what the commit writes there.

Groups: bitmap commit quick
Needs: block-commit driver=qcow2 block-dirty-bitmap-add
Source: 260-1
"""

from harness.bench import Bench
from harness.units import KIB

SIZE = 256 * KIB


def run(bench: Bench) -> None:
    base = bench.overlay("base", SIZE)
    bench.guest(base).write(0, SIZE, 0x11)
    bench.close_guest(base)
    bitmap = bench.add_bitmap(base, "bitmap0", granularity=64 * KIB)
    top = bench.overlay("top", SIZE, backing=base)
    guest = bench.guest(top)
    guest.write(0, 512, 0x22)
    guest.write(64 * KIB, 64 * KIB, 0x22)
    bitmap.show()
    bench.execute("block-commit", job_id="job0", device=top)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bitmap.show()
    guest.write(192 * KIB, 512, 0x33)
    bitmap.show()
    guest.read(0, SIZE)
