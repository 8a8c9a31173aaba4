"""616-short-images: when an image goes that is shorter than its overlay, the disk reads as before.

Beyond the end of a short image there are zeroes, whatever is below it. A stream above a base, and a commit below the
active layer, take the short image away.

Groups: commit stream quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2
Source: 274-1, 041-H-complete_top
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    for command, options in (
        ("block-stream", {"base-node": "base-{}"}),
        ("block-stream", {}),
        ("block-commit", {"top-node": "short-{}"}),
    ):
        name = f"{command.removeprefix('block-')}{'-to-base' if 'base-node' in options else ''}"
        bench.note(name)
        base = bench.overlay(f"base-{name}", SIZE)
        bench.guest(base).write(0, SIZE, 0x11)
        bench.close_guest(base)
        short = bench.overlay(f"short-{name}", 512 * KIB, backing=base)
        bench.guest(short).write(64 * KIB, 64 * KIB, 0x22)
        bench.close_guest(short)
        top = bench.overlay(f"top-{name}", SIZE, backing=short)
        guest = bench.guest(top)
        guest.read(0, SIZE)
        given = {option: value.format(name) for option, value in options.items()}
        bench.execute(command, {"job-id": "job0", "device": top} | given)
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.show_chain(top)
        guest.read(0, SIZE)
