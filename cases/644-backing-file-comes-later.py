"""644-backing-file-comes-later: a snapshot is mirrored to an overlay while its backing file is copied by other means.

The copy of the backing file is attached before the job ends, so the guest goes on over copies of both.

Groups: chains graph quick
Needs: blockdev-snapshot driver=qcow2
Source: 156-1, TP-34, 155-BS-top
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("new nodes and exports drain what they are put above, newer programs everything")
    old = bench.overlay("old", SIZE)
    guest = bench.guest(old)
    guest.write(0, 128 * KIB, 0x01)
    top = bench.overlay("top", SIZE)
    bench.execute("blockdev-snapshot", node=old, overlay=top)
    guest.write(64 * KIB, 128 * KIB, 0x02)
    target = bench.overlay("target", SIZE, names_backing_file="old")
    bench.mirror(top, target, sync="top")
    bench.wait_event("BLOCK_JOB_READY")
    bench.show_progress()
    guest.write(192 * KIB, 64 * KIB, 0x04)
    copy = bench.overlay("copy", SIZE)
    bench.guest(copy).write(0, 128 * KIB, 0x01)
    bench.close_guest(copy)
    bench.execute("blockdev-snapshot", node=copy, overlay=target)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(target)
    guest.read(0, SIZE)
    bench.execute("blockdev-del", node_name=top)
    bench.execute("blockdev-del", node_name=old)
    guest.read(0, SIZE)
