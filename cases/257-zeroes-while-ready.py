"""257-zeroes-while-ready: zeroes that a guest writes during the job hide the backing file that comes at the end.

As long as the backing file is not there, zeroes and nothing look alike on the target. Both copy modes bring them over.

Groups: chains quick
Needs: copy-mode=write-blocking blockdev-snapshot driver=qcow2
Source: A1, TP-34, 155-BS-top, GAP-01
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    bench.hide_pauses("every change of the graph drains what it changes")
    bench.hide_event_members("len", "offset", reason="whether zeroes count depends on the version")
    for copy_mode in ("background", "write-blocking"):
        base, source, target, copy = (f"{name}-{copy_mode}" for name in ("base", "source", "target", "copy"))
        for name in (base, copy):
            bench.overlay(name, SIZE)
            bench.guest(name).write(0, SIZE, 0xAA)
            bench.close_guest(name)
        bench.overlay(source, SIZE, backing=base)
        guest = bench.guest(source)
        guest.write(256 * KIB, 64 * KIB, 0x11)
        bench.overlay(target, SIZE, names_backing_file="copy")
        bench.mirror(source, target, sync="top", copy_mode=copy_mode)
        bench.wait_event("BLOCK_JOB_READY")
        guest.zero(512 * KIB, 64 * KIB)
        bench.execute("blockdev-snapshot", node=copy, overlay=target)
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.show_chain(target)
        guest.read(0, SIZE)
