"""070-bitmap-merge-refused: a merge is done as a whole or not at all, and not between bitmaps of different sizes.

Sources are looked at in their order, and the first that is wrong refuses the merge. Those before it have not been
merged then. Bitmaps of different sizes cannot be merged, in either direction, and the error names both sizes.

Groups: bitmap errors quick
Needs: block-dirty-bitmap-merge bitmap-export
Source: B6, B7
"""

from harness.bench import Bench
from harness.units import KIB, MIB

MERGE = "block-dirty-bitmap-merge"


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB)
    larger_disk = bench.disk("larger", 1 * MIB + 512)
    guest = bench.guest(disk)
    target = bench.add_bitmap(disk, "target")
    guest.write(0, 1, 0x11)
    target.disable()
    source = bench.add_bitmap(disk, "source")
    guest.write(512 * KIB, 1, 0x11)
    larger = bench.add_bitmap(larger_disk, "larger")

    bench.note("what is not there")
    target.merge("nothing")
    bench.execute(MERGE, {"node": "disk", "target": "nothing", "bitmaps": ["source"]})
    bench.execute(MERGE, {"node": "nowhere", "target": "target", "bitmaps": ["source"]})
    target.merge({"node": "nowhere", "name": "source"})
    target.merge({"node": "larger", "name": "source"})
    bench.note("what is not a name")
    bench.execute(MERGE, {"node": "disk", "target": "target", "bitmaps": "source"})
    bench.execute(MERGE, {"node": "disk", "target": "target"})
    bench.execute(MERGE, {"node": "disk", "bitmaps": ["source"]})
    bench.execute(MERGE, {"target": "target", "bitmaps": ["source"]})
    target.merge({"node": "disk"})
    target.merge({})
    target.merge({"node": "disk", "name": "source", "granularity": 512})
    bench.note("different sizes")
    target.merge(larger)
    larger.merge(source)
    bench.note("all or nothing: the first source is right")
    target.merge(source, "nothing")
    target.merge(source, larger)
    target.show()
    source.show()
    larger.show()
    bench.note("the merge that was meant")
    target.merge(source)
    target.show()
