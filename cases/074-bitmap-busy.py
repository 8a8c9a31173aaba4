"""074-bitmap-busy: a bitmap that an export uses goes on recording, and no command may change, merge or remove it.

Every refusal is the same sentence, whether it is the target or a source of a merge that is busy; nothing has changed
afterwards. Looking is allowed. When the export is gone, all is allowed again. Other bitmaps of the disk are not
concerned.

Groups: bitmap errors quick
Needs: block-dirty-bitmap-merge bitmap-export
Source: B21, QQ-4
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB)
    guest = bench.guest(disk)
    bitmap = bench.add_bitmap(disk, "b")
    free = bench.add_bitmap(disk, "free")
    guest.write(0, 1, 0x11)

    bitmap.open()
    bitmap.show()
    bench.note("it records, and its export shows that")
    guest.write(512 * KIB, 1, 0x11)
    bitmap.show()
    bench.note("hands off")
    bitmap.remove()
    bitmap.clear()
    bitmap.enable()
    bitmap.disable()
    bitmap.merge(free)
    free.merge(bitmap)
    free.merge(free, bitmap)
    bench.add_bitmap(disk, "b")
    bitmap.show()
    bench.note("the other one is free")
    free.disable()
    free.clear()
    free.merge(free)
    free.show()
    bench.note("nobody uses it any more")
    bitmap.close()
    bitmap.show()
    free.merge(bitmap)
    bitmap.clear()
    bitmap.disable()
    bitmap.show()
    free.show()
    bench.note("disabled it can be exported as well")
    bitmap.open()
    guest.write(0, 1, 0x22)
    bitmap.show()
    bitmap.enable()
    bitmap.close()
    bitmap.remove()
    bitmap.show_count()
