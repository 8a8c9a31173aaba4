"""088-bitmap-read-only: a disk that cannot be written can have bitmaps, and they can be changed.

They are memory and nothing else. What they record comes from merges alone.

Groups: bitmap quick
Needs: block-dirty-bitmap-merge bitmap-export
Source: B21, QQ-4
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    fixed = bench.disk("fixed", 1 * MIB, 0x11, read_only=True)
    other = bench.disk("other", 1 * MIB)
    guest = bench.guest(other)
    bitmap = bench.add_bitmap(fixed, "b")
    written = bench.add_bitmap(other, "b", granularity=4 * KIB)
    bitmap.disable()
    guest.write(100 * KIB, 1, 0x11)
    bitmap.show()
    bitmap.merge(written)
    bitmap.show()
    written.merge(bitmap)
    written.show()
    bench.note("recording makes no difference to a disk that nobody writes")
    bitmap.enable()
    bitmap.show_count()
    bitmap.clear()
    bitmap.disable()
    bitmap.show()
    bitmap.remove()
    bitmap.show_count()
