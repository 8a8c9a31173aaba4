"""080-bitmap-sha256: the hash of a bitmap is that of its bits, and of nothing else.

Whether a bitmap records, is exported, or what it is called does not count, nor by which writes it came to be as it is.
The last word is hashed as a whole. Clean bitmaps of as many granules have one hash, whatever the granularity.

Groups: bitmap quick
Needs: x-debug-block-dirty-bitmap-sha256 bitmap-export
Source: HB-36, QQ-4
"""

from harness.bench import Bench
from harness.disk import Disk
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB + 512)
    small = bench.disk("small", 8 * KIB + 512)
    guest = bench.guest(disk)
    one = bench.add_bitmap(disk, "one", granularity=64 * KIB)
    two = bench.add_bitmap(disk, "two", granularity=64 * KIB)
    fine = bench.add_bitmap(disk, "fine", granularity=512)
    bench.add_bitmap(small, "of-17", granularity=512)

    def sha256(node: Disk, name: str) -> None:
        bench.execute("x-debug-block-dirty-bitmap-sha256", {"node": node.name, "name": name})

    bench.note("clean: 17 granules each, and one that has 2049")
    sha256(disk, "one")
    sha256(small, "of-17")
    sha256(disk, "fine")
    bench.note("the same granules by different writes")
    two.disable()
    guest.write(0, 1, 0x11)
    guest.write(1 * MIB, 512, 0x11)
    guest.write(1 * MIB - 1, 1, 0x11)
    one.disable()
    two.enable()
    guest.write(1 * MIB - 512, 1024, 0x22)
    guest.write(64 * KIB - 1, 1, 0x22)
    sha256(disk, "one")
    sha256(disk, "two")
    sha256(disk, "fine")
    bench.note("busy it can be hashed all the same")
    two.open()
    sha256(disk, "two")
    two.close()
    bench.note("all dirty, and clean again")
    guest.write(0, 1 * MIB + 512, 0x33)
    sha256(disk, "two")
    sha256(disk, "fine")
    two.clear()
    fine.clear()
    sha256(disk, "two")
    sha256(disk, "fine")
    bench.note("what is not there")
    sha256(disk, "three")
    bench.execute("x-debug-block-dirty-bitmap-sha256", {"node": "nowhere", "name": "one"})
