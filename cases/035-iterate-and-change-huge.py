"""035-iterate-and-change-huge: what an iterator sees and misses across the border between halves of a huge bitmap.

Two words of the sixth level, 2^36 granules each: the border at which every word that an iterator has cached changes but
the topmost. Otherwise as 034-iterate-and-change.

Groups: hbitmap quick
Needs: hbitmap hbitmap-huge
Source: HB-48, B11, B12
"""

from harness.bench import Bench

WORD = 64
BORDER = 64**6


def run(bench: Bench) -> None:
    bitmap = bench.bitmap(2 * BORDER)
    bitmap.set(BORDER - 2, 5)
    iterator = bitmap.iterator(BORDER - 2)
    iterator.next()
    bench.note("behind: missed; in a dirty word that is still to be read: seen; reset: not given")
    bitmap.set(BORDER - 3, 1)
    bitmap.set(BORDER + 10, 3)
    bitmap.reset(BORDER - 1, 2)
    iterator.next()
    bench.note("in the word that is being read: missed; in a word that was clean: missed")
    bitmap.set(BORDER + 5, 1)
    bitmap.set(BORDER + 3 * WORD, 1)
    iterator.next()
    bitmap.reset(BORDER + 11, 1)
    iterator.rest()
    bench.note("who begins anew misses nothing")
    bitmap.iterate()
