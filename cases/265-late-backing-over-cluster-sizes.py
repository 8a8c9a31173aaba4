"""265-late-backing-over-cluster-sizes: sync top brings over what hides a late backing file, in clusters of any size.

The disk ends inside a cluster of the target, and what the guest has written cuts clusters, there too.

Groups: chains clusters
Needs: blockdev-snapshot driver=qcow2
Source: C17, 041-A-large_cluster, 041-I-large_cluster, 155-BS-top, TP-34, GAP-01
"""

from harness.bench import Bench
from harness.units import KIB, MIB, format_bytes

SIZE = 2 * MIB + 1536
CLUSTERS = (512, 64 * KIB, 1 * MIB, 2 * MIB)


def run(bench: Bench) -> None:
    bench.hide_pauses("every change of the graph drains what it changes")
    for cluster in CLUSTERS:
        for granularity in (4 * KIB, 64 * KIB):
            mirror_to(bench, cluster, granularity)


def mirror_to(bench: Bench, cluster: int, granularity: int) -> None:
    suffix = f"{format_bytes(cluster)}-{format_bytes(granularity)}"
    bench.note(f"clusters of {format_bytes(cluster)}, granules of {format_bytes(granularity)}")
    base, source, target, copy = (f"{name}-{suffix}" for name in ("base", "source", "target", "copy"))
    for name in (base, copy):
        bench.overlay(name, SIZE)
        bench.guest(name).write(0, SIZE, 0xAA)
        bench.close_guest(name)
    bench.overlay(source, SIZE, cluster=4 * KIB, backing=base)
    guest = bench.guest(source)
    guest.write(100 * KIB, 3 * KIB, 0x11)
    guest.write(SIZE - 512, 512, 0x12)
    bench.overlay(target, SIZE, cluster=cluster, names_backing_file="copy")
    bench.mirror(source, target, sync="top", granularity=granularity)
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_progress()
    guest.write(1 * MIB + 100 * KIB - 512, 1024, 0x13)
    bench.execute("blockdev-snapshot", node=copy, overlay=target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    guest.read(0, SIZE)
    bench.close_guest(source)
    for name in (target, copy, source, base):
        bench.execute("blockdev-del", node_name=name)
