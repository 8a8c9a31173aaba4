"""650-backing-file-of-the-target: a target opened with or without a backing file keeps just that, in every sync mode.

Whatever was mirrored, the guest ends up over the target and what the target was over from the beginning: nothing, what
its image names, or what it was given in place of that. The chain that it left is as it was.

Groups: chains graph quick
Needs: blockdev-mirror driver=qcow2 driver=null-co
Source: 155-BN-full, 155-BN-top, 155-BN-none, 155-BB-full, 155-BB-top, 155-BB-none, 155-BF-full, 155-BF-top,
    155-BF-none
"""

from harness.bench import Bench
from harness.image_files import ImageFiles
from harness.units import KIB

SIZE = 1440 * KIB
PART = 128 * KIB


def run(bench: Bench) -> None:
    files = ImageFiles(bench)
    below = None
    for number, name in enumerate(("back0", "back1", "back2", "source")):
        below = bench.overlay(name, SIZE, backing=below)
        guest = bench.guest(name)
        # Each layer has a part of its own, and covers half of the part before.
        guest.write(0 if not number else number * PART - PART // 2, SIZE if not number else PART, 0x10 + number)
        bench.close_guest(name)
    zeroes = bench.node("zeroes", "null-co", size=SIZE, read_zeroes=True)
    for sync in ("full", "top", "none"):
        for kind in ("BN", "BB", "BF"):
            name = f"target-{kind}-{sync}"
            bench.note(name)
            if kind == "BB":
                files.open(name, files.make(name, SIZE, backing="null-co://", backing_format="raw"))
            else:
                bench.overlay(name, SIZE, backing=zeroes if kind == "BF" else None)
            move(bench, name, sync, written_only=kind == "BB")


def move(bench: Bench, target: str, sync: str, *, written_only: bool) -> None:
    guest = bench.guest("source")
    bench.show_chain(target)
    bench.mirror("source", target, sync=sync, auto_finalize=False)
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(target)
    bench.show_chain("source")
    if written_only and sync != "full":
        # What a disk of nothing reads as is nobody's business.
        guest.write(0, PART, 0x22)
        guest.read(0, PART)
    else:
        guest.read(0, SIZE)
    bench.close_guest("source")
    bench.execute("blockdev-del", node_name=target)
