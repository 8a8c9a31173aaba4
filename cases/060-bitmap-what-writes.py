"""060-bitmap-what-writes: writes and zeroes make dirty, also failed ones; reads, flushes and dropped discards do not.

A write is noted when it ends and not when it begins: until then the old data may be what is on the disk, and whoever
took the mark as a reason to copy would copy that. A write that fails may have changed anything, and is noted. A discard
counts where it reaches the disk, which a node without discard=unmap does not let happen.

Groups: bitmap quick
Needs: block-dirty-bitmap-add bitmap-export
Source: C9, A9, B8, QQ-4
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB, 0x11)
    guest = bench.guest(disk)
    bitmap = bench.add_bitmap(disk, "b", granularity=GRANULE)

    bench.note("what changes nothing")
    guest.read(0, 4 * KIB)
    guest.flush()
    guest.discard(0, 2 * GRANULE)
    bitmap.show()

    bench.note("zeroes, with and without permission to unmap")
    guest.zero(1 * GRANULE, 4 * KIB)
    guest.zero(2 * GRANULE, 4 * KIB, unmap=True)
    bitmap.show()

    bench.note("with FUA a write is one all the same")
    guest.write(3 * GRANULE, 4 * KIB, 0x22, fua=True)
    bitmap.show()

    bench.note("noted when it ends")
    bitmap.clear()
    disk.hold("write")
    one = guest.start_write(4 * GRANULE, 4 * KIB, 0x33)
    other = guest.start_write(6 * GRANULE, 4 * KIB, 0x33)
    bitmap.show_count()
    first, second = disk.wait_held(2)
    disk.release(second)
    other.show()
    bitmap.show_count()
    bench.note("also when it fails")
    disk.release(first, "EIO")
    one.show()
    bitmap.show()

    bench.note("a bitmap that is cleared while a write is under way gets its mark afterwards")
    held = guest.start_write(8 * GRANULE, 4 * KIB, 0x44)
    disk.wait_held()
    bitmap.clear()
    bitmap.show_count()
    disk.release_all()
    held.wait()
    bitmap.show()

    bench.note("what is enabled, disabled or made meanwhile counts as it is when the write ends")
    held = guest.start_write(10 * GRANULE, 4 * KIB, 0x55)
    disk.wait_held()
    late = bench.add_bitmap(disk, "late", granularity=GRANULE)
    bitmap.disable()
    disk.let_everything_pass()
    held.wait()
    bitmap.show()
    late.show()

    bench.note("a discard that reaches the disk")
    thin = bench.disk("thin", 1 * MIB, 0x11, unmap=True)
    thin_guest = bench.guest(thin)
    bitmap = bench.add_bitmap(thin, "b", granularity=GRANULE)
    thin_guest.discard(1 * GRANULE, GRANULE)
    bitmap.show()
    thin_guest.discard(3 * GRANULE + 4 * KIB, GRANULE)
    bitmap.show()
    thin.fail("discard")
    thin_guest.discard(7 * GRANULE, GRANULE)
    bitmap.show()
