"""054-bitmap-unaligned-writes: a write makes dirty every granule that it touches, and no other.

A byte at either end of a granule, two bytes across a border, a granule less a byte, one byte more: each on a clean
bitmap, in granules of 4 KiB and of 512 bytes at once.

Groups: bitmap quick
Needs: block-dirty-bitmap-add bitmap-export
Source: HB-05, HB-11, HB-18, B8, B19
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 4 * KIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 64 * KIB)
    guest = bench.guest(disk)
    coarse = bench.add_bitmap(disk, "coarse", granularity=GRANULE)
    fine = bench.add_bitmap(disk, "fine", granularity=512)

    for offset, length in (
        (0, 1),
        (GRANULE - 1, 1),
        (GRANULE, 1),
        (GRANULE - 1, 2),
        (GRANULE, GRANULE),
        (GRANULE + 1, GRANULE - 1),
        (GRANULE + 1, GRANULE),
        (GRANULE - 1, GRANULE + 2),
        (3 * GRANULE + 511, 2),
        (3 * GRANULE, 512),
        (0, 64 * KIB),
        (64 * KIB - 1, 1),
        (63 * KIB + 511, 513),
    ):
        guest.write(offset, length, 0x22)
        coarse.show()
        fine.show()
        bench.query("block-dirty-bitmap-clear", {"node": "disk", "name": "coarse"})
        bench.query("block-dirty-bitmap-clear", {"node": "disk", "name": "fine"})
    bench.note("writes that follow each other add up, in whatever order")
    for offset in (5, 3, 9, 4, 0, 15, 3):
        guest.write(offset * GRANULE + 100, 1000, 0x33)
        coarse.show()
    fine.show()
