"""076-bitmap-resize: bitmaps follow the size of their disk: what is cut off is forgotten, what is new is clean.

A disk that shrinks and grows again has lost what was dirty behind the new end, and searches find nothing there, nor
miss what is written there afterwards. A granule that the new end cuts stays dirty as a whole, and when the disk grows
again all of it is dirty. Disabled bitmaps follow like others.

Groups: bitmap quick
Needs: block_resize block-dirty-bitmap-add bitmap-export
Source: B2, B20, QS-11, HB-19, HB-21, HB-22, HB-23, HB-29, HB-43, HB-47
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    disk = bench.file("disk", 1 * MIB)
    fine = bench.add_bitmap(disk, "fine", granularity=4 * KIB)
    coarse = bench.add_bitmap(disk, "coarse", granularity=64 * MIB)
    off = bench.add_bitmap(disk, "off", granularity=64 * KIB)

    def write(*ranges: tuple[int, int]) -> None:
        guest = bench.guest(disk)
        for offset, length in ranges:
            guest.write(offset, length, 0x11)
        bench.close_guest(disk)

    def resize(size: int) -> None:
        bench.execute("block_resize", node_name=disk, size=size)
        for bitmap in (fine, coarse, off):
            bitmap.show()

    write((0, 1), (500 * KIB, 1), (520 * KIB, 8 * KIB), (1 * MIB - 1, 1))
    off.disable()
    bench.note("the same size: nothing changes")
    resize(1 * MIB)
    bench.note("half of it, inside a range and inside a granule")
    resize(522 * KIB)
    bench.note("and back: what was cut off is clean, but for the rest of the cut granule")
    resize(1 * MIB)
    bench.note("what is written there is found")
    write((768 * KIB, 1), (1 * MIB - 1, 1))
    resize(1 * MIB)
    bench.note("larger than ever, across a granule of 64 MiB; everything behind the old end can be dirty")
    resize(64 * MIB + 4 * KIB)
    write((64 * MIB, 1), (64 * MIB - 1, 1), (2 * MIB, 100))
    resize(64 * MIB + 4 * KIB)
    bench.note("a sector less, a granule less, a word of granules less")
    resize(64 * MIB + 4 * KIB - 512)
    resize(64 * MIB)
    resize(64 * MIB - 64 * 4 * KIB)
    bench.note("to a size that is no whole sector: the disk has whole ones")
    resize(2 * MIB + 1)
    bench.note("to nothing, and from nothing")
    resize(0)
    resize(8 * KIB)
    write((4 * KIB, 1))
    resize(8 * KIB)
    resize(128 * KIB)
