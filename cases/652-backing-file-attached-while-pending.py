"""652-backing-file-attached-while-pending: what is put below the target of a pending mirror is what the guest gets.

The target has been opened without a backing file. While the job waits to be finalized, the backing file is attached by
reopening the target, or by a snapshot: in both ways the job takes the target as it then is.

Groups: chains graph quick
Needs: blockdev-reopen blockdev-snapshot driver=qcow2 driver=null-co
Source: 155-BR-full, 155-BR-top, 155-BR-none, 155-BS-full, 155-BS-top, 155-BS-none, BF-11
"""

from harness.bench import Bench
from harness.image_files import attach_backing
from harness.units import KIB

SIZE = 1440 * KIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every change of the graph drains what it changes")
    below = None
    for number, name in enumerate(("back0", "back1", "back2", "source")):
        below = bench.overlay(name, SIZE, backing=below)
        bench.guest(name).write(number * 64 * KIB, SIZE - number * 64 * KIB, 0x10 + number)
        bench.close_guest(name)
    bench.guest("source")
    for sync in ("full", "top", "none"):
        for kind in ("BR", "BS"):
            name = f"{kind}-{sync}"
            bench.note(name)
            attach_and_finish(bench, name, kind, sync)


def attach_and_finish(bench: Bench, name: str, kind: str, sync: str) -> None:
    guest = bench.guest("source")
    target = bench.overlay(f"target-{name}", SIZE, names_backing_file="null-co://")
    zeroes = bench.node(f"zeroes-{name}", "null-co", size=SIZE, read_zeroes=True)
    bench.mirror("source", target, sync=sync, auto_finalize=False)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    bench.show_chain(target)
    attach_backing(bench, target, zeroes, "blockdev-reopen" if kind == "BR" else "blockdev-snapshot")
    bench.show_chain(target)
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(target)
    bench.show_chain("source")
    guest.read(0, SIZE)
    bench.close_guest("source")
    bench.execute("blockdev-del", node_name=target)
    bench.execute("blockdev-del", node_name=zeroes)
