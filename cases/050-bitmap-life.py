"""050-bitmap-life: a dirty bitmap records guest writes from its making to its removal, and only while it is enabled.

A bitmap begins clean. Disabled it keeps what it has and records nothing; it can be cleared in that state as in the
other, and be disabled or enabled twice. What is written while it is disabled is noted nowhere. Two bitmaps of one disk
know nothing of each other.

Groups: bitmap quick
Needs: block-dirty-bitmap-add bitmap-export
Source: QQ-4, B19, B21
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB)
    guest = bench.guest(disk)

    bench.note("nothing was recorded before there was a bitmap")
    guest.write(0, 4 * KIB, 0x11)
    first = bench.add_bitmap(disk, "first")
    second = bench.add_bitmap(disk, "second", granularity=4 * KIB, disabled=True)

    def show() -> None:
        first.show()
        second.show()

    show()
    bench.note("one records, the other is disabled")
    guest.write(64 * KIB, 4 * KIB, 0x11)
    show()
    bench.note("now both record, and enabling twice is no error")
    second.enable()
    second.enable()
    guest.write(256 * KIB, 4 * KIB, 0x11)
    show()
    bench.note("the first stops, and keeps what it has")
    first.disable()
    first.disable()
    guest.write(512 * KIB, 4 * KIB, 0x11)
    show()
    bench.note("a disabled bitmap can be cleared, and stays disabled")
    first.clear()
    guest.write(768 * KIB, 4 * KIB, 0x11)
    show()
    bench.note("an enabled one as well, and goes on")
    first.enable()
    second.clear()
    show()
    guest.write(0, 4 * KIB, 0x11)
    show()
    bench.note("one goes, the other does not notice; its name is free for another, which is clean")
    first.remove()
    first.show_count()
    guest.write(8 * KIB, 4 * KIB, 0x11)
    second.show()
    bench.add_bitmap(disk, "first", granularity=512)
    show()
