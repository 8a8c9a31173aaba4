"""044-next-area: areas in turn, each from where the last one ended, cut to the byte asked for and to the maximum.

The series of 2018 added a function of this kind, for the active write; 046-next-area-2018 is what it did. This is what
it was to do. The granules have 64 KiB.

Groups: hbitmap quick
Needs: hbitmap hbitmap-area
Source: GAP-07, NA-1, NA-2, NA-3, NA-4, NA-5, NA-6, NA-7, NA-8, NA-9, B1
"""

from harness.bench import Bench

GRANULARITY = 16

#: Row, what it is about, size, what is set, where the iterator is set, the maximum.
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


def run(bench: Bench) -> None:
    for row, what, size, ranges, start, maximum in ROWS:
        bench.note(f"{row}: {what}")
        bitmap = bench.area_bitmap(size, GRANULARITY, "area")
        for offset, length in ranges:
            bitmap.set(offset, length)
        bitmap.areas(start, maximum)
