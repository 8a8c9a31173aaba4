"""Changes a bitmap around an iterator that stands at a border of its words, and prints what the iterator still gives.

Source: rows HB-48, B11, B12.
"""

from __future__ import annotations

from harness.bench import Bench

WORD = 64
"""Items in a word of the last level, of a bitmap without a granularity."""


def walk_across_border(bench: Bench, size: int, border: int) -> None:
    """Make a bitmap, and change it in each way while an iterator goes from before a border to the end.

    :param size: items. :param border: the item with which a word begins, of as many levels as are to be crossed.
    """
    bitmap = bench.bitmap(size)
    bitmap.set(border - 2, 5)
    iterator = bitmap.iterator(border - 2)
    iterator.next()
    bench.note("behind: missed; in a dirty word that is still to be read: seen; reset: not given")
    bitmap.set(border - 3, 1)
    bitmap.set(border + 10, 3)
    bitmap.reset(border - 1, 2)
    iterator.next()
    bench.note("in the word that is being read: missed; in a word that was clean: missed")
    bitmap.set(border + 5, 1)
    bitmap.set(border + 3 * WORD, 1)
    iterator.next()
    bitmap.reset(border + 11, 1)
    iterator.rest()
    bench.note("who begins anew misses nothing")
    bitmap.iterate()
