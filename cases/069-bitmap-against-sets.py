"""069-bitmap-against-sets: whatever is done to bitmaps, they hold what plain sets of granules would hold.

Six hundred operations out of a fixed random sequence, on four bitmaps of different granularity: writes of all lengths
around all kinds of borders, disabling, enabling, clearing, merging. The sets are the simplest statement of what each of
them does. After every tenth operation the ranges of every bitmap are read and compared.

Groups: bitmap
Needs: block-dirty-bitmap-merge bitmap-export
Source: B3, B5, B6, B17, B21, HB-12, HB-14, HB-41, HB-44
"""

import random
from collections.abc import Iterable

from harness.bench import Bench
from harness.dirty_bitmaps import DirtyBitmap
from harness.errors import Disagreement
from harness.units import KIB, MIB

SIZE = 5 * MIB + 7 * 512
GRANULARITIES = {"sector": 512, "page": 4 * KIB, "chunk": 64 * KIB, "large": 2 * MIB}
OPERATIONS = 600
SEED = 2018


class Model:
    """A bitmap as a set of the numbers of its dirty granules."""

    def __init__(self, bitmap: DirtyBitmap, granularity: int) -> None:
        self.bitmap = bitmap
        self.granularity = granularity
        self.dirty: set[int] = set()
        self.enabled = True

    def set(self, offset: int, length: int) -> None:
        self.dirty.update(range(offset // self.granularity, (offset + length - 1) // self.granularity + 1))

    def merge(self, others: Iterable["Model"]) -> None:
        for other in others:
            for granule in sorted(other.dirty):
                start = granule * other.granularity
                self.set(start, min(start + other.granularity, SIZE) - start)

    def ranges(self) -> list[tuple[int, int]]:
        """The dirty ranges, neighbours joined, cut at the end of the disk."""
        found: list[tuple[int, int]] = []
        for granule in sorted(self.dirty):
            start = granule * self.granularity
            length = min(start + self.granularity, SIZE) - start
            if found and sum(found[-1]) == start:
                found[-1] = (found[-1][0], found[-1][1] + length)
            else:
                found.append((start, length))
        return found

    def check(self, step: int) -> None:
        seen = self.bitmap.ranges()
        if seen != self.ranges():
            raise Disagreement(f"after {step} operations bitmap {self.bitmap.name} shows {seen}, not {self.ranges()}")
        count = self.bitmap.info()["count"]
        if count != len(self.dirty) * self.granularity:
            raise Disagreement(f"after {step} operations bitmap {self.bitmap.name} counts {count}")


def run(bench: Bench) -> None:
    disk = bench.disk("disk", SIZE)
    guest = bench.guest(disk)
    models = [Model(bench.add_bitmap(disk, name, granularity=size), size) for name, size in GRANULARITIES.items()]
    chooser = random.Random(SEED)

    def command(verb: str, model: Model) -> None:
        bench.query(f"block-dirty-bitmap-{verb}", {"node": disk.name, "name": model.bitmap.name})

    def write() -> None:
        length = chooser.choice((1, 511, 512, 513, 4 * KIB, 40_000, 64 * KIB, 300_000))
        border = chooser.choice((512, 32 * KIB, 64 * KIB, 256 * KIB, 2 * MIB))
        offset = chooser.randrange(SIZE // border + 1) * border + chooser.choice((-513, -1, 0, 0, 1, 511))
        offset = max(0, min(offset, SIZE - length))
        guest.write_data(offset, bytes(length), silent=True)
        for model in models:
            if model.enabled:
                model.set(offset, length)

    def merge() -> None:
        target, *sources = chooser.choices(models, k=chooser.randrange(2, 4))
        names = [source.bitmap.name for source in sources]
        arguments = {"node": disk.name, "target": target.bitmap.name, "bitmaps": names}
        bench.query("block-dirty-bitmap-merge", arguments)
        target.merge(sources)

    for step in range(1, OPERATIONS + 1):
        model = chooser.choice(models)
        kind = chooser.choices(("write", "disable", "enable", "clear", "merge"), weights=(60, 10, 15, 12, 3))[0]
        if kind == "write":
            write()
        elif kind == "merge":
            merge()
        else:
            command(kind, model)
            model.enabled = model.enabled if kind == "clear" else kind == "enable"
            if kind == "clear":
                model.dirty.clear()
        if step % 10 == 0:
            for model in models:
                model.check(step)
        if step % 100 == 0:
            bench.note(f"{step} operations")
            for model in models:
                model.bitmap.show()
