"""078-bitmap-resize-refused: a resize that is refused leaves disk and bitmaps as they were.

An export keeps a disk at its size, a guest's as well as one that shows a bitmap. A disk behind NBD cannot grow; that it
is asked to shrink is accepted and not done. A read-only disk does neither.

Groups: bitmap errors quick
Needs: block_resize block-dirty-bitmap-add bitmap-export
Source: B20, QS-11
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    disk = bench.file("disk", 1 * MIB)
    bitmap = bench.add_bitmap(disk, "b", granularity=4 * KIB)
    guest = bench.guest(disk)
    guest.write(1 * MIB - 1, 1, 0x11)

    def resize(node: str, size: int) -> None:
        bench.execute("block_resize", node_name=node, size=size)

    bench.note("used by a guest")
    for size in (0, 64 * KIB, 1 * MIB, 2 * MIB):
        resize(disk, size)
    bitmap.show()
    bench.close_guest(disk)
    bench.note("used by an export that shows a bitmap")
    bitmap.open()
    resize(disk, 64 * KIB)
    bitmap.show()
    bitmap.close()
    bench.note("sizes that are none, and nodes that are not there; the node is looked for first")
    resize(disk, -1)
    bench.execute("block_resize", node_name=disk)
    bench.execute("block_resize", node_name=disk, size="1M")
    bench.execute("block_resize", node_name=disk, size=2**63)
    bitmap.show()
    bench.note("now it can be done")
    resize(disk, 64 * KIB)
    bitmap.show()

    remote = bench.disk("remote", 1 * MIB)
    remote_bitmap = bench.add_bitmap(remote, "b", granularity=4 * KIB)
    guest = bench.guest(remote)
    guest.write(1 * MIB - 1, 1, 0x11)
    bench.close_guest(remote)
    bench.note("what NBD serves has the size that it has")
    resize("remote", 2 * MIB)
    resize("remote", 64 * KIB)
    resize("remote", 1 * MIB)
    remote_bitmap.show()

    bench.disk("fixed", 1 * MIB, read_only=True)
    fixed_bitmap = bench.add_bitmap("fixed", "b", granularity=4 * KIB)
    bench.note("a read-only disk")
    resize("fixed", 64 * KIB)
    resize("fixed", 1 * MIB)
    fixed_bitmap.show()
