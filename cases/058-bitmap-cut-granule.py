"""058-bitmap-cut-granule: a last granule that the end of the disk cuts is dirty as a whole, and reported to the end.

Disks that end one sector before, on and one sector behind a border of a granule, and around the border of a word of 64
granules: the last sector, the last byte, everything, and everything but the last sector.

Groups: bitmap quick
Needs: block-dirty-bitmap-add bitmap-export
Source: NA-2, NA-3, HB-02, HB-20, B13, B17
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 4 * KIB


def run(bench: Bench) -> None:
    for granules in (1, 2, 63, 64, 65):
        for sectors, name in ((-1, "less"), (0, "even"), (1, "more")):
            size = granules * GRANULE + sectors * 512
            disk = bench.disk(f"{name}-{granules}", size)
            guest = bench.guest(disk)
            bitmap = bench.add_bitmap(disk, "b", granularity=GRANULE)
            for offset, length in ((size - 1, 1), (size - 512, 512), (0, size), (0, size - 512)):
                guest.write(offset, length, 0x11)
                bitmap.show()
                bench.query("block-dirty-bitmap-clear", {"node": disk.name, "name": "b"})
            bench.close_guest(disk)
