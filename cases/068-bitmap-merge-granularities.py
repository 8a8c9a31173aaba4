"""068-bitmap-merge-granularities: bitmaps of different granularities can be merged, and nothing dirty is lost.

From fine to coarse, every granule becomes dirty of which any part was. From coarse to fine, a granule becomes all the
fine ones that lie in it, but none behind the end of the disk. There and back again is never less than before.

Groups: bitmap quick
Needs: block-dirty-bitmap-merge bitmap-export
Source: B6
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 2 * MIB + 3 * 512


def run(bench: Bench) -> None:
    disk = bench.disk("disk", SIZE)
    guest = bench.guest(disk)
    fine = bench.add_bitmap(disk, "fine", granularity=512)
    middle = bench.add_bitmap(disk, "middle", granularity=64 * KIB, disabled=True)
    coarse = bench.add_bitmap(disk, "coarse", granularity=64 * MIB, disabled=True)
    copy = bench.add_bitmap(disk, "copy", granularity=512, disabled=True)

    def show() -> None:
        for bitmap in (fine, middle, coarse, copy):
            bitmap.show()

    for offset, length in ((64 * KIB - 512, 512), (64 * KIB, 1), (200 * KIB, 100 * KIB), (SIZE - 1, 1)):
        guest.write(offset, length, 0x11)
    fine.disable()
    show()
    bench.note("from fine to coarse, outward")
    middle.merge(fine)
    show()
    bench.note("from coarse to fine, exact")
    copy.merge(middle)
    show()
    bench.note("the coarsest has one granule for all of the disk, and gives back no more than the disk")
    coarse.merge(fine)
    fine.clear()
    fine.merge(coarse)
    show()
    bench.note("many at once, of all granularities, into one that had something")
    guest_only = bench.add_bitmap(disk, "guest-only", granularity=4 * KIB)
    guest.write(0, 1, 0x22)
    fine.clear()
    copy.clear()
    middle.clear()
    middle.merge(guest_only, fine, copy)
    guest_only.merge(middle)
    guest_only.show()
    show()
