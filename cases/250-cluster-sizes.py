"""250-cluster-sizes: a mirror to images with clusters of 512 bytes to 2 MiB brings everything over, in both copy modes.

The guest writes pieces that cut clusters, before and after READY; then the target is read through a guest of its own.

Groups: clusters
Needs: copy-mode=write-blocking driver=qcow2
Source: TP-01, 041-A-small_buffer2, 041-G-large_cluster, GAP-01
"""

from harness.bench import Bench
from harness.units import KIB, MIB, format_bytes

SIZE = 4 * MIB
CLUSTERS = (512, 4 * KIB, 64 * KIB, 1 * MIB, 2 * MIB)


def run(bench: Bench) -> None:
    for cluster in CLUSTERS:
        for copy_mode in ("background", "write-blocking"):
            mirror_to(bench, cluster, copy_mode)


def mirror_to(bench: Bench, cluster: int, copy_mode: str) -> None:
    name = f"{format_bytes(cluster)}-{copy_mode}"
    bench.note(f"clusters of {name}")
    source = bench.overlay(f"source-{name}", SIZE, cluster=64 * KIB)
    target = bench.overlay(f"target-{name}", SIZE, cluster=cluster)
    guest = bench.guest(source)
    guest.write(0, SIZE, 0x11)
    bench.mirror(source, target, copy_mode=copy_mode, buf_size=64 * KIB, granularity=4 * KIB)
    guest.write(1 * MIB + 512, 3 * KIB, 0x22)
    bench.wait_event("BLOCK_JOB_READY")
    guest.write(2 * MIB - 100, 200, 0x33)
    guest.zero(3 * MIB + 1024, 2048)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.note("what the guest reads now comes from the target")
    bench.show_chain(target)
    guest.read(0, SIZE)
    bench.execute("blockdev-del", node_name=source)
    guest.read(1 * MIB, 8 * KIB)
    bench.close_guest(source)
    bench.execute("blockdev-del", node_name=target)
