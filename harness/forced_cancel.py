"""An active mirror that is to be cancelled by force, and what its end leaves on the target.

Source: rows GAP-04, QE-03, BF-18, C27.
"""

from __future__ import annotations

from harness.bench import Bench
from harness.disk import Disk
from harness.guest import Guest
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def mirror_with_acknowledged_writes(bench: Bench) -> tuple[Disk, Disk, Guest]:
    """Start an active mirror, and have a guest write and zero parts of granules when it is READY."""
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    guest = bench.guest(source)
    bench.mirror(source, target, copy_mode="write-blocking")
    bench.wait_event("BLOCK_JOB_READY")
    guest.write(GRANULE, 512, 0x22)
    guest.zero(3 * GRANULE, 512)
    return source, target, guest


def show_what_is_left(bench: Bench, target: Disk, guest: Guest) -> None:
    """Wait until that mirror is gone; print what the target has of these writes, and of one that comes now."""
    bench.wait_event("JOB_STATUS_CHANGE", id="job0", status="null")
    bench.note("what was acknowledged before is there, what comes now is not")
    target.show_byte(GRANULE)
    target.show_byte(3 * GRANULE)
    guest.write(7 * GRANULE, 512, 0x44)
    guest.read(7 * GRANULE, 512)
    target.show_byte(7 * GRANULE)
