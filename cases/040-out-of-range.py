"""040-out-of-range: a number that cannot be is refused with a text that names it, and the bitmap is as it was.

Negative, past the end, above 2^63-1, and sums that overflow: for every operation that takes a number.

Groups: hbitmap quick
Needs: hbitmap
Source: B8, B13, B15, HB-01
"""

from harness.bench import Bench

MAX = (1 << 63) - 1


def run(bench: Bench) -> None:
    bench.note("bitmaps that cannot be")
    bitmap = bench.bitmap(1000, 3)
    for size, granularity, value in (
        (-1, 0, -1),
        (1000, -1, -1),
        (1000, 64, 64),
        (MAX + 1, 22, MAX + 1),
        (MAX, 0, MAX),
        ((1 << 41) + 1, 0, (1 << 41) + 1),
    ):
        bitmap.refused(
            f"{size} items, granularity {granularity}",
            lambda s=size, g=granularity: bench.session.hbitmap(s, g),
            value,
        )

    bench.note("ranges that cannot be; the last granule may be named to its end")
    bitmap.set(8, 8)
    bitmap.set(992, 8)
    for start, count, value in (
        (-1, 1, -1),
        (-8, 16, -8),
        (0, -1, -1),
        (8, -8, -8),
        (1000, 1, 1000),
        (999, 2, 999),
        (0, 1001, 1001),
        (8, MAX, MAX),
        (MAX, 1, MAX),
        (MAX, MAX, MAX),
        (MAX + 1, 1, MAX + 1),
        (0, MAX + 1, MAX + 1),
    ):
        for verb in ("set", "reset"):
            bitmap.refused(
                f"{verb} {start}+{count}", lambda v=verb, s=start, c=count: getattr(bitmap.bitmap, v)(s, c), value
            )
    bitmap.show()

    bench.note("items that are not there")
    for item in (-1, 1000, MAX, MAX + 1):
        bitmap.refused(f"get {item}", lambda i=item: bitmap.bitmap.get(i), item)
        bitmap.refused(f"iterator from {item}", lambda i=item: bitmap.bitmap.iterator(i), item)

    bench.note("searches: past the end there is nothing, and before the beginning is a mistake")
    bitmap.next(1000)
    bitmap.next(MAX)
    bitmap.area(1000)
    for start, count, value in ((-1, 1, -1), (0, -1, -1), (MAX + 1, 1, MAX + 1), (0, MAX + 1, MAX + 1)):
        bitmap.refused(f"next zero of {start}+{count}", lambda s=start, c=count: bitmap.bitmap.next_zero(s, c), value)
        bitmap.refused(f"next dirty of {start}+{count}", lambda s=start, c=count: bitmap.bitmap.next_dirty(s, c), value)
    for start, end, at_most, value in ((-1, 1, None, -1), (0, -1, None, -1), (0, 10, 0, 0), (0, 10, -5, -5)):
        bitmap.refused(
            f"area from {start} to {end}" + ("" if at_most is None else f", at most {at_most}"),
            lambda s=start, e=end, m=at_most: bitmap.bitmap.next_dirty_area(s, e, m),
            value,
        )

    bench.note("sizes that cannot be")
    for size in (-1, MAX + 1):
        bitmap.refused(f"truncate to {size}", lambda s=size: bitmap.bitmap.truncate(s), size)
    bitmap.show()
