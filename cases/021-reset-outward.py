"""021-reset-outward: the rule before QEMU 4.2: resetting a part of a granule makes all of it clean, and dirt is lost.

It is kept because the series of 2018 was written for it: an active write that ends inside of a granule cleans what it
has not written.

Groups: hbitmap quick
Needs: hbitmap hbitmap-reset-outward
Source: HB-18, B9
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.note("HB-18 in 2018: the second item of the granule was not to be reset")
    bitmap = bench.bitmap(64, 1)
    bitmap.set(0, 1)
    bitmap.set(2, 1)
    bitmap.set(0, 3)
    bitmap.do("reset outward 0+1", lambda: bitmap.bitmap.reset_rounding_outward(0, 1))
    bitmap.get(1)

    bench.note("both ends of a range")
    bitmap = bench.bitmap(100, 3)
    bitmap.set(0, 100)
    bitmap.do("reset outward 15+2", lambda: bitmap.bitmap.reset_rounding_outward(15, 2))
    bitmap.do("reset outward 32+8", lambda: bitmap.bitmap.reset_rounding_outward(32, 8))
    bitmap.do("reset outward 99+1", lambda: bitmap.bitmap.reset_rounding_outward(99, 1))
    bitmap.do("reset outward 50+0", lambda: bitmap.bitmap.reset_rounding_outward(50, 0))
