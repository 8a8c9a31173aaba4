"""Asks a bitmap for one area after the other: the same for what is to be, and for what the series of 2018 did.

Source: rows NA-1 to NA-9.
"""

from __future__ import annotations

from harness.bench import Bench

GRANULARITY_BITS = 16
"""Granules of 64 KiB."""

ROWS: tuple[tuple[str, str, int, tuple[tuple[int, int], ...], int, int], ...] = (
    ("NA-1", "two areas", 1048576, ((0, 65536), (131072, 131072)), 0, 1048576),
    ("NA-2", "the last granule, which is cut", 1000000, ((983040, 16960),), 0, 1000000),
    ("NA-3", "everything", 1000000, ((0, 1000000),), 0, 1000000),
    ("NA-4", "a maximum inside of the first granule", 1048576, ((0, 65536),), 0, 32768),
    ("NA-5", "an iterator set inside of a granule", 1048576, ((0, 65536),), 100, 65536),
    ("NA-6", "a maximum inside of an area", 1048576, ((65536, 196608),), 0, 196608),
    ("NA-7", "nothing", 1048576, (), 0, 1048576),
    ("NA-8", "an area behind the iterator", 1048576, ((65536, 65536),), 131072, 1048576),
    ("NA-9", "a maximum inside of the second granule", 1048576, ((0, 131072),), 0, 100000),
)
"""Row, what it is about, size, what is set, where the iterator is set, the maximum."""


def walk_areas(bench: Bench, feature: str) -> None:
    """Make a bitmap for each row, and print the areas that it gives.

    :param feature: see `Bench.area_bitmap`.
    """
    for row, what, size, ranges, start, maximum in ROWS:
        bench.note(f"{row}: {what}")
        bitmap = bench.area_bitmap(size, GRANULARITY_BITS, feature)
        for offset, length in ranges:
            bitmap.set(offset, length)
        bitmap.areas(start, maximum)
