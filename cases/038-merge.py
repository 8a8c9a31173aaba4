"""038-merge: the result is dirty where either bitmap is, whatever their granularities, and whichever of them it is.

A granule of the result becomes dirty when any item of it is: rounded outward to coarser granules, exact to finer ones.

Groups: hbitmap quick
Needs: hbitmap hbitmap-merge
Source: B3, B5, B6
"""

from harness.bench import Bench
from harness.bitmap_view import BitmapView

SIZE = 1000


def merge(one: BitmapView, other: BitmapView, result: BitmapView, what: str) -> None:
    result.do(what, lambda: result.bitmap.merge(one.bitmap, other.bitmap, result.bitmap))


def run(bench: Bench) -> None:
    bench.note("B3: merged into an empty one, and from there into another; counts are never stale")
    one, two, three = (bench.bitmap(SIZE, name=name) for name in ("one", "two", "three"))
    three.set(10, 5)
    merge(two, three, two, "two = two + three")
    merge(one, two, one, "one = one + two")
    one.set(12, 10)
    merge(one, one, one, "one = one + one")

    bench.note("B5: into a third, which forgets what it held; one of the two is empty")
    empty = bench.bitmap(SIZE, name="empty")
    for first, second, what in (
        (one, empty, "one + empty"),
        (empty, one, "empty + one"),
        (empty, empty, "empty + empty"),
    ):
        result = bench.bitmap(SIZE, name="result")
        result.set(500, 100)
        merge(first, second, result, f"result = {what}")

    bench.note("B6: different granularities")
    fine, coarse = bench.bitmap(SIZE, 0, "fine"), bench.bitmap(SIZE, 4, "coarse")
    fine.set(15, 2)
    fine.set(100, 1)
    fine.set(999, 1)
    coarse.set(512, 1)
    merge(fine, coarse, fine, "fine = fine + coarse")
    merge(fine, coarse, coarse, "coarse = fine + coarse")
    middle = bench.bitmap(SIZE, 2, "middle")
    middle.set(0, SIZE)
    merge(fine, coarse, middle, "middle = fine + coarse")

    bench.note("different sizes: refused, and nothing is changed")
    larger = bench.bitmap(SIZE + 1, name="larger")
    larger.set(0, SIZE + 1)
    fine.refused("merge of larger", lambda: fine.bitmap.merge_from(larger.bitmap), SIZE + 1)
    fine.show()
