"""904-canary-hold: a held request is under way until it is released, and fails with the errno that it is failed with.

No job runs: this is the bench alone.

Groups: self-test quick
Source: docs/supervision.md
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB, 0x11)
    guest = bench.guest(disk)

    disk.hold("write")
    first = guest.start_write(0, 64 * KIB, 0x22)
    second = guest.start_write(512 * KIB, 64 * KIB, 0x33)
    held = disk.wait_held(2)
    first.show()
    second.show()

    bench.note("in the other order, and the second one fails")
    disk.release(held[1])
    second.wait()
    first.show()
    disk.release(held[0], "ENOSPC")
    first.wait()
    disk.let_everything_pass()

    bench.note("a failed write has not changed the disk")
    guest.read(0, 64 * KIB)
    guest.read(512 * KIB, 64 * KIB)

    disk.fail("write", "EIO")
    guest.write(0, 64 * KIB, 0x44)
    guest.write(0, 64 * KIB, 0x55)
    guest.read(0, 64 * KIB)
