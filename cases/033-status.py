"""033-status: whether an item is dirty, and for how many items that stays so.

Groups: hbitmap quick
Needs: hbitmap hbitmap-status
Source: B10
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bitmap = bench.bitmap(1000, 4)
    bitmap.status(0, 1000)
    bitmap.set(160, 32)
    bench.note("B10: dirty, with something clean behind it")
    bitmap.status(160, 840)
    bitmap.status(170, 10)
    bitmap.status(191, 809)
    bench.note("clean, with something dirty behind it")
    bitmap.status(0, 1000)
    bitmap.status(150, 10)
    bitmap.status(192, 808)
    bench.note("all of it")
    bitmap.set(0, 1000)
    bitmap.status(0, 1000)
    bitmap.status(999, 1)
    bench.note("no items, and past the size")
    bitmap.refused("status of 0+0", lambda: bitmap.bitmap.status(0, 0), 0)
    bitmap.refused("status of 999+2", lambda: bitmap.bitmap.status(999, 2), 999)
