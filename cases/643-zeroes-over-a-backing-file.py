"""643-zeroes-over-a-backing-file: what an overlay has as zeroes is zeroes in its copy too, and hides the backing file.

The copy reads as zeroes as long as its backing file is not attached. That is no reason not to write zeroes to it: once
the file is there, what was left out shows the file's data.

Groups: chains clusters quick
Needs: blockdev-reopen driver=qcow2
Source: A1, 155-BR, TP-34
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("new links drain what they lead to")
    base = bench.overlay("base", SIZE)
    bench.guest(base).write(0, SIZE, 0xAA)
    bench.close_guest(base)
    top = bench.overlay("top", SIZE, backing=base)
    guest = bench.guest(top)
    guest.zero(0, 128 * KIB)
    guest.write(256 * KIB, 64 * KIB, 0x11)
    target = bench.overlay("target", SIZE, names_backing_file="base")
    bench.mirror(top, target, sync="top")
    bench.wait_event("BLOCK_JOB_READY")
    options = {"driver": "qcow2", "node-name": target, "file": f"{target}-file", "backing": base}
    bench.execute("blockdev-reopen", options=[options])
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(target)
    guest.read(0, SIZE)
