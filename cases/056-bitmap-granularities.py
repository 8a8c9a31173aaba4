"""056-bitmap-granularities: in granules from 512 bytes to 2 GiB, bitmaps of one disk see the same writes.

The ranges are those of whole granules, cut at the end of the disk. The count is in whole granules, so that it can be
more than the disk holds.

Groups: bitmap quick
Needs: block-dirty-bitmap-add bitmap-export
Source: QQ-4, B14, B19, HB-05
"""

from harness.bench import Bench
from harness.units import GIB, KIB, MIB

SIZE = 1 * GIB + 512


def run(bench: Bench) -> None:
    disk = bench.disk("disk", SIZE)
    guest = bench.guest(disk)
    granularities = (512, 1 * KIB, 4 * KIB, 64 * KIB, 1 * MIB, 32 * MIB, 64 * MIB, 128 * MIB, 1 * GIB, 2 * GIB)
    bitmaps = [bench.add_bitmap(disk, f"by-{granularity}", granularity=granularity) for granularity in granularities]
    default = bench.add_bitmap(disk, "default")

    def show() -> None:
        for bitmap in (*bitmaps, default):
            bitmap.show()

    show()
    guest.write(100 * MIB - 1, 2, 0x11)
    show()
    guest.write(0, 1, 0x11)
    show()
    guest.write(SIZE - 1, 1, 0x11)
    show()
    bench.note("cleared they are equal again")
    for bitmap in (*bitmaps, default):
        bitmap.clear()
    show()
