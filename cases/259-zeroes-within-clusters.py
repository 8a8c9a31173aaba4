"""259-zeroes-within-clusters: of zeroes only whole clusters of the target are written as such; the rest is copied.

The disks end within a cluster, which therefore is none that is whole: zeroes up to there are read, too, all of their
run. The granules have 4 KiB, the clusters of the target 64 KiB.

Groups: chains quick
Needs: driver=qcow2
Source: 041-A-large_cluster, C17
"""

from harness.bench import Bench
from harness.units import KIB

SIZE = 260 * KIB

DATA = (
    ("zeroes up to a cluster and from one on", 128 * KIB, 64 * KIB, 2),
    ("zeroes up to within a cluster", 132 * KIB, 60 * KIB, 3),
    ("zeroes from within a cluster on", 64 * KIB, 4 * KIB, 2),
    ("no zeroes at the end", 256 * KIB, 4 * KIB, 1),
)
"""What is tried, the range that holds data, and how many reads there are."""


def run(bench: Bench) -> None:
    for number, (what, offset, length, reads_count) in enumerate(DATA):
        bench.note(what)
        source = bench.disk(f"source{number}", SIZE)
        guest = bench.guest(source)
        guest.write(offset, length, 0x11)
        target = bench.overlay(f"target{number}", SIZE)
        source.hold("read")
        bench.mirror(source, target, granularity=4 * KIB)
        source.wait_held(reads_count)
        source.let_everything_pass()
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        guest.read(0, SIZE)
