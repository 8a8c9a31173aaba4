"""016-reset: a range that is reset is clean as a whole, and nothing else is.

Groups: hbitmap quick
Needs: hbitmap
Source: HB-15, HB-17, HB-48
"""

from harness.bench import Bench

WORD = 64
LEVEL = 64 * WORD
LEVEL_ABOVE = 64 * LEVEL


def run(bench: Bench) -> None:
    bench.note("HB-15: what is clean already")
    bitmap = bench.bitmap(LEVEL_ABOVE)
    bitmap.reset(0, LEVEL_ABOVE)

    bench.note("HB-17: everything, whatever was dirty")
    bitmap = bench.bitmap(2 * LEVEL_ABOVE)
    for start, count in ((63, 66), (0, 192), (4096, 64), (4096, 258049), (262143, 3), (0, 524288), (131072, 262144)):
        bitmap.set(start, count)
        bitmap.reset_all()

    bench.note("a hole across the border of two words, at every kind of border")
    bitmap = bench.bitmap(2 * LEVEL_ABOVE)
    for border in (WORD, LEVEL, LEVEL_ABOVE):
        bitmap.set(0, 2 * LEVEL_ABOVE)
        bitmap.reset(border - 1, 2)
        bitmap.reset(border - 2, 1)
        bitmap.reset(border + 1, 1)
        bitmap.set(border - 2, 4)
