"""902-canary-disk: what a guest writes is on the disk byte for byte, and nothing else is.

No job runs: this is the bench alone, the guest's way to the disk and back.

Groups: self-test quick
Source: docs/supervision.md
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB, 0x11)
    expected = bench.disk("expected", 1 * MIB, 0x11)
    guest = bench.guest(disk)

    bench.compare(disk, expected)
    guest.write(64 * KIB, 4 * KIB, 0x22)
    bench.compare(disk, expected)
    expected.storage.write_bytes(64 * KIB, b"\x22" * 4 * KIB)
    bench.compare(disk, expected)

    guest.write(1 * MIB - 512, 512, 0x33)
    guest.read(1 * MIB - 1024, 1024)
    guest.zero(0, 64 * KIB)
    guest.read(60 * KIB, 12 * KIB)
    expected.storage.fill(0x33, 1 * MIB - 512)
    expected.storage.fill(0, 0, 64 * KIB)
    bench.require_equal(disk, expected)
