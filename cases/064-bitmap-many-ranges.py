"""064-bitmap-many-ranges: thousands of dirty ranges are all reported, none twice, and clearing leaves none.

Every second granule of the first words, every 65th, then runs that grow. A reply to a request for block status may hold
fewer ranges than there are, and the client asks on from where it ended: nothing may be lost in between.

Groups: bitmap
Needs: block-dirty-bitmap-add bitmap-export
Source: HB-37, HB-41, NA-1
"""

from harness.bench import Bench
from harness.errors import Disagreement
from harness.units import GIB, KIB

GRANULE = 4 * KIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * GIB)
    guest = bench.guest(disk)
    bitmap = bench.add_bitmap(disk, "b", granularity=GRANULE)
    expected: set[int] = set()

    def write(granules: list[int]) -> None:
        for granule in granules:
            guest.write_data(granule * GRANULE + 7, b"x", silent=True)
        expected.update(granules)
        bench.say(f"guest writes a byte in each of {len(granules)} granules, {granules[0]} to {granules[-1]}")
        bitmap.show()
        found = {
            granule
            for offset, length in bitmap.ranges()
            for granule in range(offset // GRANULE, -(-(offset + length) // GRANULE))
        }
        if found != expected:
            raise Disagreement(f"granule {min(found ^ expected)} is reported wrongly")

    write([2 * index for index in range(1024)])
    write([4096 + 65 * index for index in range(1000)])
    position, growing = 100_000, []
    for length in range(1, 40):
        growing += range(position, position + length)
        position += 2 * length
    write(growing)
    write([262143])
    bench.note("the gaps close")
    write([2 * index + 1 for index in range(1023)])
    bitmap.clear()
    bitmap.show()
