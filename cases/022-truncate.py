"""022-truncate: a new size keeps what is dirty before it, forgets what is behind it, and adds clean items.

Sizes move inside of the last granule, by one granule, inside of a word, across the border of two words, and by more
than a word. A granule that the new end cuts keeps its dirt.

Groups: hbitmap quick
Needs: hbitmap
Source: HB-19, HB-20, HB-21, HB-22, HB-23, HB-24, HB-25, HB-26, HB-27, HB-28, HB-29, HB-43, HB-47, HB-48, B2
"""

from harness.bench import Bench

WORD = 64

#: Row, what happens, size before and after, granularity, items to be set, items that are dirty afterwards.
ROWS = (
    ("HB-19", "no change", 4096, 4096, 0, (0, 4095), (0, 4095)),
    ("HB-20", "growth inside of the last granule", 4095, 4096, 1, (0, 4094), (0, 4094)),
    ("HB-21", "shrinking inside of the last granule", 4096, 4095, 1, (0, 4094, 4095, 4095), (0, 4094)),
    ("HB-22", "growth by a granule", 4094, 4095, 1, (0, 4093), (0, 4093)),
    ("HB-23", "shrinking by a granule", 4095, 4094, 1, (0, 4093, 4094, 4094), (0, 4093)),
    ("HB-24", "growth inside of a word", 4097, 4101, 0, (0, 4096), (0, 4096)),
    ("HB-25", "shrinking inside of a word", 4096, 4092, 0, (0, 4091, 4092, 4095), (0, 4091)),
    ("HB-26", "growth across the border of a word", 4095, 4099, 0, (0, 4094), (0, 4094)),
    ("HB-27", "shrinking across the border of a word", 4097, 4093, 0, (0, 4092, 4093, 4096), (0, 4092)),
    ("HB-28", "growth by a word", 4096, 4160, 0, (0, 4095), (0, 4095)),
    ("HB-29", "shrinking by a word", 4096, 4032, 0, (0, 4031, 4032, 4095), (0, 4031)),
)


def run(bench: Bench) -> None:
    for row, what, size, new_size, granularity, items, dirty in ROWS:
        bench.note(f"{row}: {what}")
        bitmap = bench.bitmap(size, granularity)
        for item in items:
            bitmap.set(item, 1)
        bitmap.granules()
        bitmap.truncate(new_size)
        bitmap.granules()
        for item in dirty:
            bitmap.get(item)
        bitmap.iterate()

    bench.note("HB-43: searches see what has grown")
    bitmap = bench.bitmap(WORD)
    bitmap.truncate(2 * WORD)
    bitmap.set(0, WORD)
    bitmap.next(0)
    bench.note("HB-47: and so do areas")
    bitmap = bench.bitmap(WORD)
    bitmap.truncate(2 * WORD)
    bitmap.set(WORD + 1, 1)
    bitmap.area(0)

    bench.note("B2: what was cut off does not come back, and searches end at the new end")
    bitmap = bench.bitmap(3 * WORD)
    bitmap.set(0, 3 * WORD)
    bitmap.truncate(WORD + 10)
    bitmap.next(0)
    bitmap.area(WORD)
    bitmap.truncate(3 * WORD)
    bitmap.next(0)
    bitmap.area(WORD)
    bitmap.truncate(0)
    bitmap.truncate(1)
    bitmap.set(0, 1)
