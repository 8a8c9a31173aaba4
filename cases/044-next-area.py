"""044-next-area: areas in turn, each from where the last one ended, cut to the byte asked for and to the maximum.

The series of 2018 added a function of this kind, for the active write; 046-next-area-2018 is what it did. This is what
it was to do. The granules have 64 KiB.

Groups: hbitmap quick
Needs: hbitmap hbitmap-area
Source: GAP-07, NA-1, NA-2, NA-3, NA-4, NA-5, NA-6, NA-7, NA-8, NA-9, B1
"""

from harness.area_walk import walk_areas
from harness.bench import Bench


def run(bench: Bench) -> None:
    walk_areas(bench, "area")
