"""036-non-advancing: looking at the next item moves nothing, however often, and shows what is taken next.

Only QEMU 3.0 and 3.1 could look, for the active write of the series; whoever copies that design needs it still. Looking
counts for what may be missed: the word that was looked at is cached.

Groups: hbitmap quick
Needs: hbitmap hbitmap-peek
Source: HB-48
"""

from harness.bench import Bench

WORD = 64
LEVEL = 64 * WORD
LEVEL_ABOVE = 64 * LEVEL


def run(bench: Bench) -> None:
    bench.note("HB-48: looking, again and again")
    bitmap = bench.bitmap(2 * LEVEL_ABOVE, 0)
    for item in (63, 64, LEVEL, LEVEL_ABOVE):
        bitmap.set(item, 1)
    iterator = bitmap.iterator()
    for _ in range(4):
        iterator.peek()
        iterator.peek()
        iterator.next()
    iterator.peek()
    iterator.next()
    iterator.peek()

    bench.note("an empty bitmap")
    iterator = bench.bitmap(WORD).iterator()
    iterator.peek()
    iterator.next()

    bench.note("what was seen is reset before it is taken: it is not given, and not shown again")
    bitmap = bench.bitmap(2 * LEVEL)
    bitmap.set(10, 2)
    bitmap.set(LEVEL, 1)
    iterator = bitmap.iterator()
    iterator.peek()
    bitmap.reset(10, 1)
    iterator.peek()
    iterator.next()
    iterator.peek()
    bitmap.reset(LEVEL, 1)
    iterator.peek()
    iterator.next()

    bench.note("what is set in the word that was looked at is missed; what is set in a dirty word further on is not")
    bitmap = bench.bitmap(2 * LEVEL)
    bitmap.set(20, 1)
    bitmap.set(LEVEL + 7, 1)
    iterator = bitmap.iterator()
    iterator.peek()
    bitmap.set(10, 1)
    iterator.peek()
    bitmap.set(30, 1)
    iterator.peek()
    bitmap.set(LEVEL + 5, 1)
    iterator.rest()
