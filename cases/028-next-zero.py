"""028-next-zero: the first clean item from a start, with granules of one item and of 16.

Groups: hbitmap quick
Needs: hbitmap
Source: HB-39, HB-40, B17
"""

from harness.bench import Bench

LEVEL_ABOVE = 64**3


def run(bench: Bench) -> None:
    for row, granularity in (("HB-39", 0), ("HB-40", 4)):
        bench.note(f"{row}: granules of {1 << granularity}")
        bitmap = bench.bitmap(LEVEL_ABOVE, granularity)

        def ask(*starts: int, bitmap=bitmap) -> None:
            for start in starts:
                bitmap.next_zero(start)

        ask(0, 262143)
        bitmap.set(4096, 1)
        ask(0, 4095, 4096, 4097)
        bitmap.set(4101, 64)
        ask(0, 4097, 4098, 4101, 4159, 4160)
        bitmap.set(8192, 253952)
        ask(8128, 8190, 8191, 8192, 262143)
        bitmap.set(0, LEVEL_ABOVE)
        ask(0)

    bench.note("B17: a last granule that is not full has no item behind the size")
    bitmap = bench.bitmap(1000, 7)
    bitmap.set(0, 896)
    bitmap.next_zero(0)
    bitmap.set(999, 1)
    bitmap.next_zero(0)
    bitmap.next_zero(999)
    bitmap.next_zero(1000)
