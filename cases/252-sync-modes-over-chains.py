"""252-sync-modes-over-chains: full copies what shows, top what the top image itself holds, none only what is written.

The target is read below what the job put into it: a target with no backing file shows zeroes where nothing was copied.

Groups: chains quick
Needs: copy-mode=write-blocking driver=qcow2
Source: 155-BN, 155-BF, 041-H-complete_top, 041-H-complete_full, TP-33, TP-34, GAP-01
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    bench.hide_event_members("len", "offset", reason="whether zeroes count depends on the version")
    for sync in ("full", "top", "none"):
        for copy_mode in ("background", "write-blocking"):
            for with_backing in (False, True):
                mirror(bench, sync, copy_mode, with_backing=with_backing)


def mirror(bench: Bench, sync: str, copy_mode: str, *, with_backing: bool) -> None:
    name = f"{sync}-{'active' if copy_mode == 'write-blocking' else 'passive'}-{'over' if with_backing else 'alone'}"
    bench.note(name)
    base = bench.overlay(f"base-{name}", 512 * KIB)
    bench.guest(base).write(0, 512 * KIB, 0x11)
    bench.close_guest(base)
    middle = bench.overlay(f"middle-{name}", SIZE, backing=base)
    bench.guest(middle).write(128 * KIB, 128 * KIB, 0x22)
    bench.close_guest(middle)
    top = bench.overlay(f"top-{name}", SIZE, backing=middle)
    guest = bench.guest(top)
    guest.write(192 * KIB, 128 * KIB, 0x33)
    guest.write(768 * KIB + 512, 512, 0x44)
    target = bench.overlay(f"target-{name}", SIZE, backing=middle if with_backing else None)
    bench.mirror(top, target, sync=sync, copy_mode=copy_mode)
    bench.wait_event("BLOCK_JOB_READY")
    guest.write(448 * KIB, 64 * KIB, 0x55)
    guest.read(0, SIZE)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_chain(target)
    guest.read(0, SIZE)
    bench.close_guest(top)
