"""018-get: reading an item tells what was set, for every item there is.

Groups: hbitmap
Needs: hbitmap
Source: HB-07, HB-08
"""

from harness.bench import Bench

WORD = 64
LEVEL = 64 * WORD
LEVEL_ABOVE = 64 * LEVEL


def run(bench: Bench) -> None:
    bench.note("HB-07: every item of a full bitmap")
    bitmap = bench.bitmap(LEVEL_ABOVE)
    bitmap.set(0, LEVEL_ABOVE)
    bitmap.get_all(0, LEVEL_ABOVE)

    bench.note("HB-08: every item after each that is set")
    bitmap = bench.bitmap(2 * LEVEL)
    for item in (10, 63, 64, 4095, 4096):
        bitmap.set(item, 1)
        bitmap.get_all(0, 2 * LEVEL)

    bench.note("items of one granule are one")
    bitmap = bench.bitmap(2 * LEVEL, 3)
    bitmap.set(13, 1)
    bitmap.set(LEVEL, 1)
    bitmap.get_all(0, 2 * LEVEL)
