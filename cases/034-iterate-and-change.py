"""034-iterate-and-change: while an iterator is under way, what is reset is not given, and what is set may be missed.

Which items are missed is no accident: an iterator caches one word of each level. An item is missed when it is behind,
or when the bit that leads to it was clear in the word that was cached; it is seen when its word was dirty and is still
to be read. This is shown around the border of a word of each level. Whoever relies on seeing an item has to begin
anew. Truncating makes an iterator useless, also when the size does not change.

Groups: hbitmap quick
Needs: hbitmap
Source: HB-06, HB-48, B11, B12, B13
"""

from harness.bench import Bench
from harness.border_walk import WORD, walk_across_border

#: No more levels than fit: 035-iterate-and-change-huge has the last.
LEVELS = 5
SIZE = 2 * 64**LEVELS


def run(bench: Bench) -> None:
    bench.note("HB-06: everything is reset")
    bitmap = bench.bitmap(2 * WORD)
    bitmap.set(0, 2 * WORD)
    iterator = bitmap.iterator(63)
    iterator.next()
    bitmap.reset_all()
    iterator.next()
    iterator.next()

    for level in range(1, LEVELS + 1):
        border = 64**level
        words = "a word" if level == 1 else f"a word of each of {level} levels"
        bench.note(f"around item {border}, where {words} begins")
        walk_across_border(bench, SIZE, border)

    bench.note("B12: the next granule becomes dirty while one is collected; a new iterator sees it")
    bitmap = bench.bitmap(WORD << 16, 16)
    bitmap.set(0, 1)
    iterator = bitmap.iterator()
    iterator.next()
    bitmap.set(1 << 16, 1)
    iterator.rest()
    bitmap.iterator(1 << 16, "new").rest()

    bench.note("reset and set again: given")
    bitmap = bench.bitmap(2 * WORD)
    bitmap.set(0, 4)
    iterator = bitmap.iterator()
    iterator.next()
    bitmap.reset(1, 2)
    bitmap.set(2, 1)
    iterator.rest()

    bench.note("two iterators do not disturb each other")
    one, two = bitmap.iterator(0, "one"), bitmap.iterator(2, "two")
    one.next()
    two.rest()
    one.rest()

    bench.note("truncated: the iterator is refused, a new one is not")
    iterator = bitmap.iterator()
    bitmap.truncate(2 * WORD)
    bitmap.refused("next", iterator.iterator.next)
    bitmap.iterate()

    bench.note("B13: no iterator begins at the end")
    bitmap.refused("an iterator from 128", lambda: bitmap.bitmap.iterator(2 * WORD), 128)
