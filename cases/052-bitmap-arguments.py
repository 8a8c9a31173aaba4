"""052-bitmap-arguments: the commands on bitmaps refuse what they cannot do, and then change nothing.

Of several mistakes the first one counts: the name is looked at before the node, the node before the granularity, all of
that before whether there is such a bitmap already. The granularity is a power of two from 512 that fits 32 bits; the
limit of 64 MiB is the mirror's alone. Names are any text of 1 to 1023 bytes.

Groups: bitmap errors quick
Needs: block-dirty-bitmap-add
Source: QQ-4, B21
"""

from harness.bench import Bench
from harness.units import MIB

ADD = "block-dirty-bitmap-add"


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB)
    bench.disk("other", 1 * MIB, read_only=True)
    bench.add_bitmap(disk, "b")

    bench.note("names and nodes")
    bench.execute(ADD, {"node": "disk", "name": ""})
    bench.execute(ADD, {"node": "nowhere", "name": ""})
    bench.execute(ADD, {"node": "disk", "name": "b"})
    bench.execute(ADD, {"node": "disk"})
    bench.execute(ADD, {"name": "c"})
    bench.execute(ADD, {"node": "disk", "name": "c", "autoload": True})

    bench.note("granularity: a power of two, from a sector up to what 32 bits can say")
    for granularity in (0, 1, 256, 511, 513, 1000, 65537, 3 * MIB, -1, 2**32, "64k", 4096.5, True):
        bench.execute(ADD, {"node": "disk", "name": "c", "granularity": granularity})
    bench.note("the granularity is looked at before the name's being taken")
    bench.execute(ADD, {"node": "disk", "name": "b", "granularity": 1000})

    bench.note("no driver here has a format that could keep a bitmap")
    bench.execute(ADD, {"node": "disk", "name": "c", "persistent": True})
    bench.execute(ADD, {"node": "disk", "name": "c", "persistent": True, "granularity": 1000})

    bench.note("names of 1023 bytes are the longest; other than that, anything goes")
    bench.execute(ADD, {"node": "disk", "name": "n" * 1024})
    bench.execute(ADD, {"node": "disk", "name": "n" * 1023})
    bench.execute(ADD, {"node": "disk", "name": "a b/ü"})
    bench.execute(ADD, {"node": "disk", "name": "é" * 512})

    bench.note("another disk may have one of the same name, even a disk that cannot be written")
    bench.execute(ADD, {"node": "other", "name": "b"})

    bench.note("what is not there")
    for verb in ("remove", "clear", "enable", "disable"):
        command = f"block-dirty-bitmap-{verb}"
        bench.execute(command, {"node": "disk", "name": "c"})
        bench.execute(command, {"node": "nowhere", "name": "b"})
        bench.execute(command, {"node": "disk", "name": ""})
        bench.execute(command, {"node": "", "name": ""})
        bench.execute(command, {"node": "disk"})
        bench.execute(command, {"name": "b"})
        bench.execute(command, {"node": "disk", "name": "b", "force": True})
    bench.note("only what was not refused is there")
    for node in ("disk", "other"):
        for name in ("b", "c", "n" * 1023, "a b/ü"):
            bench.dirty_bitmap(node, name).show_count()
