"""032-next-dirty-area: the first run of dirty items in a range, cut to the range and to a largest length.

Groups: hbitmap quick
Needs: hbitmap
Source: HB-44, HB-45, HB-46, B1
"""

from harness.bench import Bench
from harness.bitmap_view import INT64_MAX, BitmapView

LEVEL_ABOVE = 64**3

TO_THE_END = INT64_MAX

#: What is set, and then asked: a start, a count, and perhaps a largest length.
STEPS: tuple[tuple[tuple[int, int] | None, tuple[tuple[int, ...], ...]], ...] = (
    (None, ((0, TO_THE_END), (0, 1), (262143, 1), (0, TO_THE_END, 1))),
    (
        (4096, 1),
        (
            (0, 1),
            (0, 4096),
            (0, TO_THE_END),
            (4095, TO_THE_END),
            (4095, 1),
            (4095, 2),
            (4095, 3),
            (4096, TO_THE_END),
            (4096, 1),
            (4097, 1),
            (0, TO_THE_END, 1),
            (4095, 2, 1),
        ),
    ),
    (
        (4101, 64),
        (
            (0, TO_THE_END),
            (4094, 8),
            (4097, 5),
            (4097, 3),
            (4100, 64),
            (4101, 64),
            (4103, 64),
            (4160, 64),
            (4096, 0),
            (4097, 0),
            (4099, TO_THE_END, 3),
            (4099, 7, 10),
        ),
    ),
    (
        (8192, 253952),
        (
            (0, TO_THE_END),
            (4096, TO_THE_END),
            (4097, TO_THE_END),
            (4164, TO_THE_END),
            (4165, 5),
            (8128, 65),
            (8192, 4096),
            (8193, TO_THE_END, 5),
            (8193, 10, 5),
            (8193, 2, 5),
        ),
    ),
    ((0, LEVEL_ABOVE), ((0, TO_THE_END),)),
)


def ask_all(bitmap: BitmapView) -> None:
    for to_be_set, questions in STEPS:
        if to_be_set is not None:
            bitmap.set(*to_be_set)
        for question in questions:
            bitmap.area(*question)


def run(bench: Bench) -> None:
    for row, granularity in (("HB-44", 0), ("HB-45", 1), ("HB-46", 4)):
        bench.note(f"{row}: granules of {1 << granularity}")
        ask_all(bench.bitmap(LEVEL_ABOVE, granularity))

    bench.note("B1: an area neither begins before the range nor is hidden by an end inside of a granule")
    bitmap = bench.bitmap(1 << 20, 16)
    bitmap.set(65536, 65536)
    bitmap.area(70000, 30000)
    bitmap.area(0, 65537)
    bitmap.area(131071, 1)
