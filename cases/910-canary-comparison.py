"""910-canary-comparison: the comparison of two disks notices one flipped bit, wherever it is, and names the first byte.

A comparison that cannot fail proves nothing, so this one is made to fail.

Groups: self-test quick
Source: docs/supervision.md
"""

from harness.bench import Bench
from harness.disk import Disk
from harness.errors import Disagreement
from harness.units import KIB, MIB

SIZE = 1 * MIB


def flip_bit(disk: Disk, offset: int) -> None:
    (value,) = disk.storage.read_bytes(offset, 1)
    disk.storage.write_bytes(offset, bytes([value ^ 1]))


def require_equal(bench: Bench, one: Disk, other: Disk) -> None:
    try:
        bench.require_equal(one, other)
    except Disagreement as disagreement:
        bench.say(f"noticed: {disagreement}")


def run(bench: Bench) -> None:
    one = bench.disk("one", SIZE, 0x11)
    other = bench.disk("other", SIZE, 0x11)
    require_equal(bench, one, other)

    for offset in (0, 511, 512, 64 * KIB, 64 * KIB - 1, SIZE // 2 + 12345, SIZE - 1):
        bench.note(f"a bit of byte {offset} flipped")
        flip_bit(other, offset)
        require_equal(bench, one, other)
        require_equal(bench, other, one)
        flip_bit(other, offset)
        require_equal(bench, one, other)

    bench.note("two of them: the first one is named")
    flip_bit(one, 300000)
    flip_bit(other, 200000)
    require_equal(bench, one, other)

    bench.note("a hole reads as zeroes, and is equal to them")
    hole = bench.disk("hole", SIZE)
    zeroes = bench.disk("zeroes", SIZE, 0x00)
    require_equal(bench, hole, zeroes)
    flip_bit(hole, 100)
    require_equal(bench, hole, zeroes)

    bench.note("a disk that is longer is another disk, though it be zero")
    require_equal(bench, zeroes, bench.disk("longer", 2 * SIZE))
