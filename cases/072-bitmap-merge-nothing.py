"""072-bitmap-merge-nothing: merging no bitmap at all is no error and changes nothing.

The list of sources may be empty: nothing in the command's description says otherwise, and whoever builds the list
from a chain of checkpoints can have none to merge.

Groups: bitmap errors quick
Needs: block-dirty-bitmap-merge bitmap-export
Source: B5, QQ-4
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB)
    guest = bench.guest(disk)
    bitmap = bench.add_bitmap(disk, "b")
    guest.write(64 * KIB, 1, 0x11)
    bitmap.merge()
    bitmap.show()
