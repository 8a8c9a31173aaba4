"""046-next-area-2018: what the series' function for areas did, with the two defects for which QEMU 4.0 removed it.

NA-5: an area begins before the byte where the iterator was set, because whole granules are given. NA-4: a maximum
inside of a granule hides that granule, unless it is the end of the disk, or unless an area has begun before it (NA-9).
Compare 044-next-area, which asks the same.

Groups: hbitmap quick
Needs: hbitmap hbitmap-area-2018
Source: NA-1, NA-2, NA-3, NA-4, NA-5, NA-6, NA-7, NA-8, NA-9, B1
"""

from harness.area_walk import walk_areas
from harness.bench import Bench


def run(bench: Bench) -> None:
    walk_areas(bench, "area-2018")
