"""254-target-without-its-backing-file: whole clusters are copied to a target that names a backing file it has not got.

It would fill the rest of each new cluster with zeroes, which its backing file, when it is attached at last, could never
show through. So the job reads the rest from the source, never more at once than its buffer holds.

Groups: chains clusters quick
Needs: blockdev-reopen driver=qcow2
Source: 041-A-large_cluster, 041-G-complete, 041-G-cancel, 041-I-large_cluster, 155-BR, 156-1, TP-34, C17, A8
"""

from harness.bench import Bench
from harness.units import KIB, MIB, format_bytes

SIZE = 4 * MIB


def run(bench: Bench) -> None:
    for cluster in (64 * KIB, 1 * MIB):
        for way in ("blockdev-reopen", "blockdev-snapshot"):
            mirror_top(bench, cluster, way)


def mirror_top(bench: Bench, cluster: int, way: str) -> None:
    name = f"{format_bytes(cluster)}-{way.removeprefix('blockdev-')}"
    bench.note(f"clusters of {format_bytes(cluster)}, the backing file comes with {way}")
    base = bench.overlay(f"base-{name}", SIZE)
    bench.guest(base).write(0, SIZE, 0x11)
    bench.close_guest(base)
    top = bench.overlay(f"top-{name}", SIZE, backing=base)
    guest = bench.guest(top)
    guest.write(128 * KIB, 64 * KIB, 0x22)
    guest.write(2 * MIB + 512, 512, 0x33)
    target = bench.overlay(f"target-{name}", SIZE, cluster=cluster, names_backing_file="base")
    bench.mirror(top, target, sync="top", granularity=4 * KIB, auto_finalize=False)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    if way == "blockdev-reopen":
        options = {"driver": "qcow2", "node-name": target, "file": f"{target}-file", "backing": base}
        bench.execute(way, options=[options])
    else:
        copy = bench.overlay(f"copy-{name}", SIZE)
        bench.guest(copy).write(0, SIZE, 0x11)
        bench.close_guest(copy)
        bench.execute(way, node=copy, overlay=target)
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(target)
    guest.read(0, SIZE)
    bench.close_guest(top)
