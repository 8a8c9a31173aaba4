"""205-odd-sizes: disks whose lengths are no multiple of a sector, down to one byte, are equal to the last byte.

As 204, for lengths that a real program rounds up to 512 when it opens its storage.

Groups: background active quick
Needs: virtual-time
Source: GAP-12, QQ-3
"""

from harness.bench import Bench
from harness.mirror_sizes import mirror_each_size
from harness.units import KIB, MIB

SIZES = (1, 2, 511, 513, 1023, 4095, 4097, 64 * KIB - 1, 64 * KIB + 1, 1 * MIB + 3)


def run(bench: Bench) -> None:
    mirror_each_size(bench, SIZES)
