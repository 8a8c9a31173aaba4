"""653-backing-file-attached-in-an-iothread: a backing file attached to a pending target is taken along to its iothread.

As 652, with a source that lives in an iothread: the target and the backing file follow it there.

Groups: chains graph iothread
Needs: blockdev-reopen blockdev-snapshot driver=qcow2 driver=null-co qom-type=iothread x-blockdev-set-iothread
Source: 155-BRI-full, 155-BRI-top, 155-BRI-none, 155-BSI-full, 155-BSI-top, 155-BSI-none
"""

from harness.bench import Bench
from harness.image_files import attach_backing
from harness.units import KIB

SIZE = 1440 * KIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every change of the graph drains what it changes")
    bench.execute("object-add", {"qom-type": "iothread", "id": "thread0"})
    below = None
    for number, name in enumerate(("back0", "source")):
        below = bench.overlay(name, SIZE, backing=below)
        bench.guest(name).write(number * 64 * KIB, SIZE - number * 64 * KIB, 0x10 + number)
        bench.close_guest(name)
    for sync in ("full", "top", "none"):
        for kind in ("BRI", "BSI"):
            bench.note(f"{kind}-{sync}")
            attach_and_finish(bench, f"{kind}-{sync}", kind, sync)


def attach_and_finish(bench: Bench, name: str, kind: str, sync: str) -> None:
    bench.execute("x-blockdev-set-iothread", node_name="source", iothread="thread0")
    guest = bench.guest("source")
    target = bench.overlay(f"target-{name}", SIZE, names_backing_file="null-co://")
    zeroes = bench.node(f"zeroes-{name}", "null-co", size=SIZE, read_zeroes=True)
    bench.mirror("source", target, sync=sync, auto_finalize=False)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    attach_backing(bench, target, zeroes, "blockdev-reopen" if kind == "BRI" else "blockdev-snapshot")
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(target)
    bench.show_chain("source")
    guest.read(0, SIZE)
    bench.close_guest("source")
    bench.execute("blockdev-del", node_name=target)
    bench.execute("blockdev-del", node_name=zeroes)
