"""010-borders: changes across the borders of words and levels are counted and iterated item by item.

Every 64 items the bitmap begins a new word, every 4096 a new word of the level above, every 262144 one of the next. The
ranges begin before such borders and end behind them. After each change an iterator gives exactly what is dirty, and
looking at the next item before taking it changes nothing. With a granularity the iterator gives starts of granules.

Groups: hbitmap quick
Needs: hbitmap
Source: HB-05, HB-11, HB-16, HB-48
"""

from harness.bench import Bench

WORD = 64
LEVEL = 64 * WORD
LEVEL_ABOVE = 64 * LEVEL


def run(bench: Bench) -> None:
    bench.note("HB-11: ranges across the border of two words, at every kind of border")
    bitmap = bench.bitmap(2 * LEVEL)
    for start, count in ((63, 2), (127, 4), (256, 65), (511, 65), (4095, 2), (4159, 8), (4352, 65), (4607, 65)):
        bitmap.set(start, count)

    bench.note("HB-16: setting and resetting over several words and levels")
    bitmap = bench.bitmap(2 * LEVEL_ABOVE)
    bitmap.set(63, 66)
    bitmap.reset(127, 130)
    bitmap.set(0, 192)
    bitmap.reset(511, 4096)
    bitmap.set(4096, 64)
    bitmap.reset(4031, 514)
    bitmap.set(4096, 258049)
    bitmap.reset(262080, 192)
    bitmap.set(262143, 3)
    bitmap.reset(262143, 4096)
    bitmap.set(0, 2 * LEVEL_ABOVE)
    bitmap.reset(0, WORD)
    bitmap.reset(0, LEVEL)
    bitmap.reset(LEVEL_ABOVE, LEVEL_ABOVE)
    bitmap.set(LEVEL_ABOVE // 2, LEVEL_ABOVE)

    bench.note("HB-05: granules of 128 items; the iterator gives where they start, and begins at the granule asked for")
    bitmap = bench.bitmap(131072 << 7, 7)
    bitmap.iterate()
    bitmap.set(532616, 8)
    bitmap.iterate()
    bitmap.iterate(532736)
    bitmap.set(16777208, 8)
    bitmap.iterate()
    bitmap.iterate(532736)
