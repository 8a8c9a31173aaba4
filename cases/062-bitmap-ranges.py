"""062-bitmap-ranges: dirty ranges are found exactly, at every border of a word of the bitmap and of its levels.

A bitmap has a bit for each granule, and above those a bit for 64 bits, for 64 words of those and so on; its iterators
skip whatever the upper levels say is clean. So single granules, pairs and runs are set before, on and behind multiples
of 64, 64 x 64 and 64 x 64 x 64 granules, of a disk that has four levels.

Groups: bitmap quick
Needs: block-dirty-bitmap-add bitmap-export
Source: HB-04, HB-10, HB-12, HB-14, HB-41, HB-44, B10, B17
"""

from harness.bench import Bench

GRANULE = 512
BORDERS = (64, 64**2, 64**3)
GRANULES = 4 * 64**3 + 5


def run(bench: Bench) -> None:
    disk = bench.disk("disk", GRANULES * GRANULE)
    guest = bench.guest(disk)
    bitmap = bench.add_bitmap(disk, "b", granularity=GRANULE)

    def each_alone(*runs: tuple[int, int]) -> None:
        for first, count in runs:
            guest.zero(first * GRANULE, count * GRANULE)
            bitmap.show()
            bench.query("block-dirty-bitmap-clear", {"node": "disk", "name": "b"})

    def together(*runs: tuple[int, int]) -> None:
        for first, count in runs:
            guest.zero(first * GRANULE, count * GRANULE)
        bitmap.show()

    bench.note("one granule at each end of the disk")
    each_alone((0, 1), (GRANULES - 1, 1))
    for border in BORDERS:
        bench.note(f"around granule {border}: one, two across, a run that ends there, a run that begins there")
        each_alone(
            (border - 1, 1),
            (border, 1),
            (border + 1, 1),
            (border - 1, 2),
            (border - 63, 63),
            (border - 64, 64),
            (border, 64),
            (border, 65),
            (border - 1, 66),
            (border, border),
            (border - 1, border + 2),
        )
    bench.note("all borders at once, and then what lies between them")
    together(*((border + step, 1) for border in BORDERS for step in (-2, 0, 2)))
    together(*((border - 1, 1) for border in BORDERS))
    together((BORDERS[0], BORDERS[1] - BORDERS[0]))
    together((BORDERS[1], BORDERS[2] - BORDERS[1]))
    together((0, BORDERS[0]))
    together((BORDERS[2], GRANULES - BORDERS[2] - 1))
    together((GRANULES - 1, 1))
