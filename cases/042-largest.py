"""042-largest: the largest bitmap is used to its last item, and a huge one costs what is dirty in it.

At 2^63-1 items the last granule is not full, and no position may overflow. 1 PiB in granules of 64 KiB with 1,000 of
them dirty is what a job on a large disk has.

Groups: hbitmap quick
Needs: hbitmap hbitmap-huge
Source: B14, B15
"""

from harness.bench import Bench

MAX = (1 << 63) - 1
PEBIBYTE = 1 << 50
GRANULE = 1 << 16


def run(bench: Bench) -> None:
    bench.note("B15: up to 2^63-1")
    bitmap = bench.bitmap(MAX, 22)
    bitmap.set(MAX - 1, 1)
    bitmap.get(MAX - 1)
    bitmap.next(0)
    bitmap.area(0)
    bitmap.iterate(MAX - 1)
    bitmap.set(0, 1)
    bitmap.area(1)
    bitmap.reset(MAX - (1 << 22) + 1, (1 << 22) - 1)
    bitmap.set(0, MAX)
    bitmap.next(0)
    bitmap.area(5)

    bench.note("2^41 granules, as many as there may be")
    bitmap = bench.bitmap(1 << 41)
    bitmap.set((1 << 41) - 1, 1)
    bitmap.set(0, 1)
    bitmap.iterate()

    bench.note("a pebibyte with 1,000 dirty granules")
    bitmap = bench.bitmap(PEBIBYTE, 16)
    for index in range(1000):
        bitmap.ask("set", lambda i=index: bitmap.bitmap.set(i * (PEBIBYTE // 1000), 1))
    count = bitmap.ask("count", lambda: bitmap.bitmap.count)
    bitmap.say(f"count {count}, {count // GRANULE} granules")
    bitmap.next(GRANULE)
    bitmap.next(PEBIBYTE - GRANULE)
    bitmap.iterate(997 * (PEBIBYTE // 1000))
    bitmap.set(0, PEBIBYTE)
    bitmap.reset_all()
