"""014-set: a range that is set is dirty as a whole, however it lies, and what was dirty is counted once.

Groups: hbitmap quick
Needs: hbitmap
Source: HB-09, HB-10, HB-12, HB-13, HB-14, HB-48, B8
"""

from harness.bench import Bench

WORD = 64
LEVEL = 64 * WORD
LEVEL_ABOVE = 64 * LEVEL


def run(bench: Bench) -> None:
    bench.note("HB-09: everything at once")
    bitmap = bench.bitmap(LEVEL_ABOVE)
    bitmap.set(0, LEVEL_ABOVE)

    bench.note("HB-10: single items")
    bitmap = bench.bitmap(2 * LEVEL)
    for item in (10, 63, 64, 4095, 4096):
        bitmap.set(item, 1)

    bench.note("HB-12: ranges over several words and levels")
    bitmap = bench.bitmap(2 * LEVEL_ABOVE)
    for start, count in (
        (63, 66),
        (191, 66),
        (320, 129),
        (511, 129),
        (4095, 66),
        (4223, 66),
        (4352, 129),
        (4543, 129),
        (8191, 516096),
    ):
        bitmap.set(start, count)

    bench.note("HB-13: what is dirty already")
    bitmap = bench.bitmap(3 * WORD)
    bitmap.set(0, 3 * WORD)
    bitmap.set(WORD, 1)

    bench.note("HB-14: ranges that overlap")
    bitmap = bench.bitmap(2 * LEVEL_ABOVE)
    for start, count in (
        (63, 66),
        (127, 130),
        (0, 192),
        (511, 4096),
        (4096, 64),
        (4031, 514),
        (4096, 258049),
        (262080, 192),
        (262143, 3),
        (262143, 4096),
    ):
        bitmap.set(start, count)

    bench.note("B8: a range of no items is nothing, also where there is no item any more")
    bitmap = bench.bitmap(2 * WORD, 1)
    bitmap.set(2, 2)
    for start in (0, 2, 3, 4, 2 * WORD):
        bitmap.set(start, 0)
        bitmap.reset(start, 0)
