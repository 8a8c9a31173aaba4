"""255-buffer-of-one-cluster: a copy that is widened to clusters of the target never holds more than the buffer.

The buffer has room for one cluster, and so much is dirty, but it lies across two. Whole clusters are copied all the
same, one after the other.

Groups: chains clusters quick
Needs: blockdev-reopen driver=qcow2
Source: A8, C17, 041-I-large_cluster
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("new links drain what they lead to")
    base = bench.overlay("base", SIZE)
    bench.guest(base).write(0, SIZE, 0xAA)
    bench.close_guest(base)
    top = bench.overlay("top", SIZE, backing=base, cluster=4 * KIB)
    guest = bench.guest(top)
    guest.write(4 * KIB, 64 * KIB, 0x11)
    target = bench.overlay("target", SIZE, cluster=64 * KIB, names_backing_file="base")
    bench.mirror(top, target, sync="top", granularity=4 * KIB, buf_size=64 * KIB)
    bench.wait_event("BLOCK_JOB_READY")
    options = {"driver": "qcow2", "node-name": target, "file": f"{target}-file", "backing": base}
    bench.execute("blockdev-reopen", options=[options])
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    guest.read(0, SIZE)
