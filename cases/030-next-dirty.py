"""030-next-dirty: the first clean and the first dirty item of a range, with granules of one item and of 16.

A granule may begin before the range or end behind it: the answer is always inside of the range, or none.

Groups: hbitmap quick
Needs: hbitmap
Source: HB-41, HB-42, B17
"""

from harness.bench import Bench
from harness.bitmap_view import INT64_MAX, BitmapView

LEVEL_ABOVE = 64**3


def ask(bitmap: BitmapView, starts: tuple[int, ...], ranges: tuple[tuple[int, int], ...] = ()) -> None:
    for start in starts:
        bitmap.next(start)
    for start, count in ranges:
        bitmap.next(start, count)


def run(bench: Bench) -> None:
    for row, granularity in (("HB-41", 0), ("HB-42", 4)):
        bench.note(f"{row}: granules of {1 << granularity}")
        bitmap = bench.bitmap(LEVEL_ABOVE, granularity)
        ask(bitmap, (0, 262143), ((0, 1), (262143, 1)))
        bitmap.set(4096, 1)
        ask(bitmap, (0, 4095, 4096, 4097), ((0, 1), (0, 4096), (4095, 1), (4095, 2), (4096, 1), (4097, 1)))
        bitmap.set(4101, 64)
        ask(
            bitmap,
            (0, 4032, 4097, 4098, 4101, 4159, 4160, 4161),
            (
                (4094, 64),
                (4096, 4),
                (4096, 6),
                (4097, 3),
                (4100, 64),
                (4101, 64),
                (4164, 1),
                (4165, 1),
                (4166, 1),
            ),
        )
        bitmap.set(8192, 253952)
        ask(bitmap, (8128, 8190, 8191, 8192, 8193, 8256, 262143), ((8128, 65), (8192, 4096)))
        bitmap.set(0, LEVEL_ABOVE)
        ask(bitmap, (0,))

    bench.note("B17: a last granule that is cut, and ranges that are empty or reach past the size")
    bitmap = bench.bitmap(1000, 7)
    bitmap.set(960, 1)
    ask(bitmap, (896, 999, 1000, 5000), ((999, 1), (999, 2), (0, 0), (896, 0), (896, INT64_MAX - 896)))
    bitmap.area(900)
    bitmap.set(0, 1000)
    ask(bitmap, (0, 999))
    bitmap.area(0)
