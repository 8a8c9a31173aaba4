"""266-granules-far-smaller-than-clusters: a request has 1024 pieces at most, and clusters may have more granules.

The target has not got its backing file yet, so whole clusters are to be copied: here in more than one request.

Groups: chains clusters quick
Needs: blockdev-snapshot driver=qcow2
Source: C45, C17, A8
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 2 * MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every change of the graph drains what it changes")
    for name in ("base", "copy"):
        bench.overlay(name, SIZE)
        bench.guest(name).write(0, SIZE, 0xAA)
        bench.close_guest(name)
    bench.overlay("source", SIZE, backing="base")
    guest = bench.guest("source")
    guest.write(64 * KIB, 64 * KIB, 0x11)
    bench.overlay("target", SIZE, cluster=1 * MIB, names_backing_file="copy")
    bench.mirror("source", "target", sync="top", granularity=512)
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_progress()
    bench.execute("blockdev-snapshot", node="copy", overlay="target")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    guest.read(0, SIZE)
