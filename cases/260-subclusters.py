"""260-subclusters: to a target whose clusters have parts, only whole parts are copied, and not whole clusters.

The target names a backing file that it has not got, so that the job itself fills up what it allocates.

Groups: chains clusters quick
Needs: copy-mode=write-blocking blockdev-snapshot driver=qcow2
Source: BF-32, C17, TP-34
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every change of the graph drains what it changes")
    for subclusters in (False, True):
        suffix = "subclusters" if subclusters else "clusters"
        bench.note(suffix)
        base, source, target, copy = (f"{name}-{suffix}" for name in ("base", "source", "target", "copy"))
        for name in (base, copy):
            bench.overlay(name, SIZE)
            bench.guest(name).write(0, SIZE, 0xAA)
            bench.close_guest(name)
        bench.overlay(source, SIZE, cluster=4 * KIB, backing=base)
        guest = bench.guest(source)
        guest.write(132 * KIB, 4 * KIB, 0x11)
        guest.write(257 * KIB, 512, 0x22)
        bench.overlay(target, SIZE, cluster=128 * KIB, subclusters=subclusters, names_backing_file="copy")
        bench.mirror(source, target, sync="top", granularity=512)
        bench.wait_event("BLOCK_JOB_READY")
        bench.show_progress()
        guest.write(641 * KIB, 512, 0x33)
        bench.execute("blockdev-snapshot", node=copy, overlay=target)
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.show_chain(target)
        guest.read(0, SIZE)
