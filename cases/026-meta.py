"""026-meta: a bitmap about a bitmap records which chunks of it are really changed.

For each range: resetting what is clean marks nothing, setting it marks its chunks, setting it again marks nothing, and
resetting it marks its chunks. QEMU had this from 2.7 to 4.2.

Groups: hbitmap
Needs: hbitmap hbitmap-meta
Source: HB-30, HB-31, HB-32, HB-33, HB-34
"""

from harness.bench import Bench
from harness.bitmap_view import BitmapView, describe_area

LEVEL_ABOVE = 64**3


def marks(view: BitmapView, meta: object) -> str:
    """What the meta bitmap holds, which is then cleared: at most one area, in these cases."""
    area = view.ask("next-dirty-area", lambda: meta.next_dirty_area(0, 1 << 62))
    if area is not None:
        more = view.ask("next-dirty-area", lambda: meta.next_dirty_area(sum(area), 1 << 62))
        view.ask("reset all", meta.reset_all)
        if more is not None:
            return f"{describe_area(area)}, {describe_area(more)} ..."
    return describe_area(area)


def check(view: BitmapView, meta: object, start: int, count: int) -> None:
    view.ask("reset all", view.bitmap.reset_all)
    view.ask("reset all", meta.reset_all)
    seen = []
    for change in (view.bitmap.reset, view.bitmap.set, view.bitmap.set, view.bitmap.reset):
        view.ask("a change", lambda c=change: c(start, count))
        seen.append(marks(view, meta))
    clean_reset, marked, again, reset = seen
    view.say(f"{start}+{count} -> marks {marked}, again {again}, reset {reset}, reset before {clean_reset}")


def run(bench: Bench) -> None:
    bench.note("HB-30: about an empty bitmap")
    view = bench.bitmap(0)
    meta = view.ask("meta", lambda: view.bitmap.create_meta(1))
    view.say(f"marks {marks(view, meta)}")

    bench.note("HB-31: chunks of an item")
    view = bench.bitmap(2 * LEVEL_ABOVE)
    meta = view.ask("meta", lambda: view.bitmap.create_meta(1))
    for start in (0, 1, 63, 64, 65, 4095, 4096, 4097, 262143, 262144, 262145):
        for count in (1, 64, 4096):
            check(view, meta, start, count)

    for row, chunk, more in (("HB-32", 8, (7, 10)), ("HB-33", 64, (63, 66)), ("HB-34", 4096, (4095, 4098))):
        bench.note(f"{row}: chunks of {chunk} items")
        size = 100 * chunk
        view = bench.bitmap(size)
        meta = view.ask("meta", lambda v=view, c=chunk: v.bitmap.create_meta(c))
        for start, count in (
            (0, 1),
            (0, chunk),
            (chunk - 1, 1),
            (chunk - 1, 2),
            (chunk - 1, chunk + 1),
            (chunk - 1, chunk + 2),
            (7 * chunk - 1, more[1]),
            (size - 1, 1),
            (0, size),
        ):
            check(view, meta, start, count)

    bench.note("a chunk that is no power of two, and a second meta bitmap")
    view = bench.bitmap(800)
    view.refused("chunks of 12", lambda: view.bitmap.create_meta(12), 12)
    view.ask("meta", lambda: view.bitmap.create_meta(8))
    view.refused("another", lambda: view.bitmap.create_meta(8))
