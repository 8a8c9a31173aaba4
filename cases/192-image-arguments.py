"""192-image-arguments: what overlays, snapshots, changes of nodes and bitmaps refuse, each in its own words.

Groups: qmp graph quick
Needs: blockdev-reopen blockdev-snapshot block-commit driver=qcow2
Source: 141-2, 155-BS, 245-block_commit_1
"""

import struct

from harness.bench import Bench
from harness.images import empty_image
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    image = empty_image(SIZE)
    bench.note("images that are none")
    for name, change in (
        ("zeroes", (0, 0)),
        ("version", (4, 4)),
        ("clusters-too-small", (20, 8)),
        ("clusters-too-large", (20, 22)),
    ):
        offset, value = change
        data = image[:offset] + struct.pack(">I", value) + image[offset + 4 :]
        bench.disk(name, 2 * MIB, data=data)
        bench.execute("blockdev-add", {"driver": "qcow2", "node-name": "new", "file": name, "backing": None})
    broken = bench.disk("broken", 2 * MIB, data=image)
    broken.fail("read")
    bench.execute("blockdev-add", {"driver": "qcow2", "node-name": "new", "file": "broken", "backing": None})
    for backing in (1, "nonexistent", {}):
        bench.execute("blockdev-add", {"driver": "qcow2", "node-name": "new", "file": "zeroes", "backing": backing})

    bench.note("snapshots")
    base = bench.overlay("base", SIZE)
    top = bench.overlay("top", SIZE, backing=base)
    spare = bench.overlay("spare", SIZE)
    disk = bench.disk("disk", SIZE, 0x11)
    bench.execute("blockdev-snapshot", node=spare, overlay=top)
    bench.execute("blockdev-snapshot", node=spare, overlay="disk")
    bench.execute("blockdev-snapshot", node=spare)
    bench.note("options that cannot be changed")
    for options in (
        {"driver": "qcow2", "node-name": top, "file": {"driver": "null-co"}, "backing": base},
        {"driver": "raw", "node-name": top, "file": "top-file"},
        {"driver": "qcow2", "node-name": top, "file": "top-file", "backing": {"driver": "null-co"}},
        {"driver": "qcow2", "node-name": top, "file": "top-file", "backing": 1},
        {"driver": "qcow2", "node-name": top, "file": 1},
    ):
        bench.execute("blockdev-reopen", options=[options])
    bench.execute("blockdev-reopen", options={})
    bench.execute("blockdev-reopen", options=[1])
    bench.note("a filter above the source's own chain")
    bench.execute("blockdev-add", {"driver": "copy-on-read", "node-name": "filter", "file": base})
    bench.mirror(top, "filter")
    bench.note("what a filter is to read no further than")
    for bottom in ("nonexistent", "filter"):
        bench.execute(
            "blockdev-add", {"driver": "copy-on-read", "node-name": "new", "file": "filter", "bottom": bottom}
        )
    bench.note("a commit of a filter into what it is over")
    upper = bench.overlay("upper", SIZE, backing="filter")
    bench.execute("block-commit", job_id="job0", device=upper, top_node="filter", base_node=base)
    bench.note("bitmaps to be merged that are neither names nor objects")
    bench.execute("block-dirty-bitmap-add", node="disk", name="bitmap")
    for source in (1, {"node": "disk"}, {"node": "disk", "name": 1}, {"node": "disk", "name": "bitmap", "bogus": 1}):
        bench.execute("block-dirty-bitmap-merge", node="disk", target="bitmap", bitmaps=[source])
    bench.say(f"disk holds 0x{disk.storage.read_bytes(64 * KIB, 1)[0]:02x} as before")
