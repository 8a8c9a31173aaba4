"""020-granularity: a granule is dirty as a whole, and only whole granules are reset, the end of the bitmap excepted.

Whoever resets a part of a granule would lose what is dirty in the rest of it. QEMU did so up to 4.1; since then it is
refused, and 021-reset-outward is what was before.

Groups: hbitmap quick
Needs: hbitmap
Source: HB-18, B9, B14
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.note("HB-18: two items in a granule")
    bitmap = bench.bitmap(64, 1)
    bitmap.set(0, 1)
    bitmap.iterate()
    bitmap.set(2, 1)
    bitmap.iterate()
    bitmap.set(0, 3)
    bitmap.reset(0, 2)
    bitmap.iterate()

    bench.note("B9: what is not whole granules is refused, and nothing is reset")
    bitmap = bench.bitmap(100, 3)
    bitmap.set(0, 100)
    for start, count, value in ((1, 8, 1), (0, 1, 1), (0, 9, 9), (8, 4, 4), (88, 11, 11), (92, 8, 92)):
        bitmap.refused(f"reset {start}+{count}", lambda s=start, c=count: bitmap.bitmap.reset(s, c), value)
    bitmap.show()
    bench.note("but a range may end at the size, or where the last granule would end")
    bitmap.reset(88, 12)
    bitmap.set(99, 1)
    bitmap.reset(96, 8)

    bench.note("B14: granules of 2^31 items and more")
    for granularity in (31, 32, 40, 57):
        granule = 1 << granularity
        bitmap = bench.bitmap(5 * granule, granularity)
        bitmap.set(granule + 1, 1)
        bitmap.set(4 * granule - 1, 2)
        bitmap.next(0)
        bitmap.next(granule)
        bitmap.reset(3 * granule, granule)
