"""065-bitmap-large-disk: offsets beyond 32 bits are recorded and reported where they are, and long ranges in one piece.

Single bytes around 4 GiB and 1 TiB, and at the end of a disk of 2 TiB, in granules of 64 KiB and of 2 GiB. A merge from
coarse to fine makes a range that is longer than 32 bits can count.

Groups: bitmap
Needs: block-dirty-bitmap-merge bitmap-export
Source: B14, B15, B16, B19, HB-05
"""

from harness.bench import Bench
from harness.units import GIB, KIB, TIB

SIZE = 2 * TIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", SIZE)
    guest = bench.guest(disk)
    fine = bench.add_bitmap(disk, "fine", granularity=64 * KIB)
    coarse = bench.add_bitmap(disk, "coarse", granularity=2 * GIB)

    def show() -> None:
        fine.show()
        coarse.show()

    show()
    for offset, length in (
        (4 * GIB - 1, 1),
        (4 * GIB, 1),
        (8 * GIB - 1, 2),
        (1 * TIB - 64 * KIB, 64 * KIB),
        (1 * TIB, 1),
        (SIZE - 1, 1),
    ):
        guest.write(offset, length, 0x11)
    show()
    bench.note("a long write of zeroes")
    guest.zero(16 * GIB + 1, 3 * GIB - 2)
    show()
    bench.note("what the coarse one holds, in fine granules")
    fine.merge(coarse)
    show()
    fine.clear()
    coarse.clear()
    show()
