"""What the reference's bitmap costs, beside bitarray, pyroaring and a Python set, all in one run.

Run it as ``python -m benchmarks hbitmap``. Times are the best of several rounds, in microseconds; memory is what
tracemalloc counts. Three questions:

1. a disk of 1 PiB in granules of 64 KiB with 1,000 of them dirty: memory, and iterating with the iterator a job uses;
2. setting and resetting a range of a million granules;
3. iterating over 10,000 scattered granules of 2^24.

A peer that cannot be asked says so: a flat bitmap of 2^34 bits would take 2 GiB.
"""

from __future__ import annotations

import random
import sys
import time
import tracemalloc
from collections.abc import Callable

from bitarray import bitarray
from pyroaring import BitMap, BitMap64

from reference_impl.hbitmap import HBitmap

ROUNDS = 30
SEED = 2018

PEBIBYTE = 1 << 50
GRANULARITY_64K = 16
PEBIBYTE_GRANULES = PEBIBYTE >> GRANULARITY_64K
PEBIBYTE_DIRTY = 1000

RANGE_FIRST = 12345
RANGE_GRANULES = 1_000_000

SCATTERED_SIZE = 1 << 24
SCATTERED_DIRTY = 10_000


def best_us(action: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The shortest time that ``action`` took, in microseconds."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.perf_counter_ns()
        action()
        best = min(best, time.perf_counter_ns() - begin)
    return best / 1000


def memory_bytes(make: Callable[[], object]) -> int:
    """What is allocated while the thing that ``make`` returns exists."""
    tracemalloc.start()
    thing = make()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del thing
    return size


def iterate(bitmap: HBitmap) -> int:
    """Walk as a job does, one granule at a time, while the bitmap could change; return how many there were."""
    iterator = bitmap.iterator()
    count = 0
    while iterator.next() >= 0:
        count += 1
    return count


def find_one_by_one(bits: bitarray) -> int:
    """The same on a flat bitmap: what a job would have to write there."""
    count = 0
    position = bits.find(1)
    while position >= 0:
        count += 1
        position = bits.find(1, position + 1)
    return count


def line(label: str, *figures: str) -> None:
    print(f"  {label:<44}" + "".join(f"{figure:>16}" for figure in figures))


def pebibyte(random_: random.Random) -> None:
    granules = random_.sample(range(PEBIBYTE_GRANULES), PEBIBYTE_DIRTY)

    def make() -> HBitmap:
        bitmap = HBitmap(PEBIBYTE, GRANULARITY_64K)
        for granule in granules:
            bitmap.set(granule << GRANULARITY_64K, 1)
        return bitmap

    bitmap = make()
    assert iterate(bitmap) == PEBIBYTE_DIRTY
    print(f"1 PiB in granules of 64 KiB, {PEBIBYTE_DIRTY} dirty")
    line("", "memory KiB", "iterate us")
    roaring, plain = BitMap64(granules), set(granules)
    line("HBitmap, iterator", f"{memory_bytes(make) / 1024:.0f}", f"{best_us(lambda: iterate(bitmap)):.0f}")
    line("HBitmap, list of granules", "", f"{best_us(bitmap.dirty_granules):.0f}")
    line("bitarray", "2 GiB: not asked", "")
    line("pyroaring", "not traced", f"{best_us(lambda: list(roaring)):.0f}")
    line("set, sorted", f"{memory_bytes(lambda: set(granules)) / 1024:.0f}", f"{best_us(lambda: sorted(plain)):.0f}")
    bitmap.set(0, PEBIBYTE)
    full = f"{best_us(lambda: bitmap.set(0, PEBIBYTE)):.1f}"
    line("HBitmap, setting all of it", "", full)


def million() -> None:
    end = RANGE_FIRST + RANGE_GRANULES
    bitmap = HBitmap(SCATTERED_SIZE)
    bits = bitarray(SCATTERED_SIZE)
    roaring = BitMap()
    plain: set[int] = set()

    def bits_set(value: int) -> None:
        bits[RANGE_FIRST:end] = value

    def bits_set_counting(value: int) -> int:
        before = bits.count(1, RANGE_FIRST, end)
        bits[RANGE_FIRST:end] = value
        return before

    print(f"a range of {RANGE_GRANULES} granules")
    line("", "set us", "reset us")
    for label, setting, resetting, rounds in (
        (
            "HBitmap",
            lambda: bitmap.set(RANGE_FIRST, RANGE_GRANULES),
            lambda: bitmap.reset(RANGE_FIRST, RANGE_GRANULES),
            200,
        ),
        ("bitarray", lambda: bits_set(1), lambda: bits_set(0), 200),
        ("bitarray, keeping count as HBitmap does", lambda: bits_set_counting(1), lambda: bits_set_counting(0), 200),
        (
            "pyroaring",
            lambda: roaring.add_range(RANGE_FIRST, end),
            lambda: roaring.remove_range(RANGE_FIRST, end),
            200,
        ),
        (
            "set",
            lambda: plain.update(range(RANGE_FIRST, end)),
            lambda: plain.difference_update(range(RANGE_FIRST, end)),
            3,
        ),
    ):
        # One after the other in each round, so that each finds the range as the other left it.
        set_us, reset_us = float("inf"), float("inf")
        for _ in range(rounds):
            set_us = min(set_us, best_us(setting, 1))
            reset_us = min(reset_us, best_us(resetting, 1))
        line(label, f"{set_us:.2f}", f"{reset_us:.2f}")


def scattered(random_: random.Random) -> None:
    granules = random_.sample(range(SCATTERED_SIZE), SCATTERED_DIRTY)
    bitmap = HBitmap(SCATTERED_SIZE)
    bits = bitarray(SCATTERED_SIZE)
    for granule in granules:
        bitmap.set(granule, 1)
        bits[granule] = 1
    roaring, plain = BitMap(granules), set(granules)
    expected = sorted(granules)
    assert bitmap.dirty_granules() == list(bits.search(1)) == list(roaring) == expected
    assert iterate(bitmap) == find_one_by_one(bits) == SCATTERED_DIRTY
    print(f"{SCATTERED_DIRTY} scattered granules of 2^24")
    line("", "list us", "one by one us")
    line("HBitmap", f"{best_us(bitmap.dirty_granules):.0f}", f"{best_us(lambda: iterate(bitmap), 5):.0f}")
    line("bitarray", f"{best_us(lambda: list(bits.search(1))):.0f}", f"{best_us(lambda: find_one_by_one(bits)):.0f}")
    line("pyroaring", f"{best_us(lambda: list(roaring)):.0f}", "")
    line("set, sorted", f"{best_us(lambda: sorted(plain)):.0f}", "")


def main() -> int:
    random_ = random.Random(SEED)
    print(f"seed {SEED}, Python {sys.version.split()[0]}")
    pebibyte(random_)
    million()
    scattered(random_)
    return 0


if __name__ == "__main__":
    sys.exit(main())
