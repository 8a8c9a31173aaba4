"""035-iterate-and-change-huge: what an iterator sees and misses across the border between halves of a huge bitmap.

Two words of the sixth level, 2^36 granules each: the border at which every word that an iterator has cached changes but
the topmost. Otherwise as 034-iterate-and-change.

Groups: hbitmap quick
Needs: hbitmap hbitmap-huge
Source: HB-48, B11, B12
"""

from harness.bench import Bench
from harness.border_walk import walk_across_border

BORDER = 64**6


def run(bench: Bench) -> None:
    walk_across_border(bench, 2 * BORDER, BORDER)
