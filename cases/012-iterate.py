"""012-iterate: an iterator gives every dirty item from where it began, once, in ascending order, and then its end.

A full bitmap is iterated from beginnings around the borders of words and levels: the first 5000 items of each one by
one, across a border of the level above, and whole from the middle of the bitmap. The last item of a bitmap that ends in
the middle of a word is found.

Groups: hbitmap
Needs: hbitmap
Source: HB-01, HB-02, HB-03, HB-04, HB-48
"""

from harness.bench import Bench

WORD = 64
LEVEL = 64 * WORD
LEVEL_ABOVE = 64 * LEVEL


def run(bench: Bench) -> None:
    bench.note("HB-01: a bitmap of no items, which has nothing to iterate")
    bitmap = bench.bitmap(0)
    bitmap.show()
    bitmap.refused("an iterator", lambda: bitmap.bitmap.iterator(0))

    bench.note("HB-02: a size that ends inside of a word")
    bitmap = bench.bitmap(LEVEL_ABOVE + 23)
    bitmap.show()
    bitmap.set(0, 1)
    bitmap.set(LEVEL_ABOVE + 22, 1)
    bitmap.iterate()

    bench.note("HB-03: nothing is dirty")
    bitmap = bench.bitmap(WORD)
    bitmap.show()
    bitmap.iterate()

    bench.note("HB-04: everything is dirty")
    bitmap = bench.bitmap(LEVEL_ABOVE)
    bitmap.set(0, LEVEL_ABOVE)
    for first in (1, 63, 64, 127, 4095, 4096, 4097, 4160, 4223, 8191, 8192, 8193, 8256, 8319):
        bitmap.iterate(first, at_most=5000)
    bitmap.iterate(131072)
    for first in (LEVEL_ABOVE - LEVEL - 1, LEVEL_ABOVE - WORD, LEVEL_ABOVE - 1):
        bitmap.iterate(first)
