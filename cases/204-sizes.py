"""204-sizes: disks of a few sectors, shorter and longer than a granule, are equal to the last byte.

After READY the last byte is written, in background and in active mode. The disk of no bytes has a case of its own, and
so have lengths that are no multiple of 512: a real program rounds those up.

Groups: background active quick
Source: 152-1, 152-2, 041-B-complete, 041-F-complete, 041-F-cancel_after_ready, GAP-12, QQ-3
"""

from harness.bench import Bench
from harness.mirror_sizes import mirror_each_size
from harness.units import KIB

SIZES = (512, 1024, 4608, 64 * KIB - 512, 64 * KIB, 64 * KIB + 512, 1025 * KIB)


def run(bench: Bench) -> None:
    mirror_each_size(bench, SIZES)
