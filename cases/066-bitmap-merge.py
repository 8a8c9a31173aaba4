"""066-bitmap-merge: a merge makes dirty in the target what is dirty in any source, and changes nothing else.

Counts are right afterwards: the second merge of a chain, out of a bitmap that was empty before the first one, would
otherwise be skipped as a merge of nothing. A merge from an empty bitmap leaves what is there. Merging twice, or a
bitmap into itself, adds nothing. Disabled bitmaps are merged and merged into like others, and no source changes.

Groups: bitmap quick
Needs: block-dirty-bitmap-merge bitmap-export
Source: B3, B5, B21
"""

from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB)
    other_disk = bench.disk("other", 1 * MIB)
    guest = bench.guest(disk)
    other_guest = bench.guest(other_disk)

    def add(name: str, *granules: int) -> None:
        bitmap = bitmaps[name] = bench.add_bitmap(disk, name)
        for granule in granules:
            guest.write(granule * GRANULE, GRANULE, 0x11)
        bitmap.disable()

    bitmaps = {}
    add("one", 1, 2, 3)
    add("two", 3, 4, 9)
    add("three")
    add("four")
    one, two, three, four = bitmaps.values()

    def show() -> None:
        for bitmap in bitmaps.values():
            bitmap.show()

    show()
    bench.note("into an empty one, and on into the next: a stale count would stop it here")
    three.merge(one)
    four.merge(three)
    show()
    bench.note("the same again, and into itself: nothing new")
    four.merge(three)
    four.merge(four)
    four.show()
    bench.note("several at once, one of them twice")
    four.merge(two, one, two)
    four.show()
    bench.note("from an empty one: everything stays")
    one.clear()
    two.merge(one)
    show()
    bench.note("an enabled target takes merges and writes, and its sources do not change with it")
    one.enable()
    one.merge(two)
    guest.write(12 * GRANULE, 1, 0x22)
    show()
    bench.note("from another disk of the same size")
    foreign = bench.add_bitmap(other_disk, "one")
    other_guest.write(15 * GRANULE, GRANULE, 0x33)
    one.merge(foreign)
    three.merge(foreign, "four", {"node": "disk", "name": "two"})
    foreign.show()
    show()
