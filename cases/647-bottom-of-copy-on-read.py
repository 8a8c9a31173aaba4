"""647-bottom-of-copy-on-read: a copy-on-read filter with a bottom keeps what is above it, and freezes the links to it.

Who would freeze one of them as well, as streams and commits do, is refused. What the bottom itself is over may change,
and what is read from there is not kept. The filter lets go of the links when it goes.

Groups: graph stream commit quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2 driver=copy-on-read driver=throttle
Source: 041-Q-cor, 245-block_commit_1, 030-overlapping_3
"""

from typing import Any

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "group", "limits": {}})
    lowest = bench.overlay("lowest", 1 * MIB)
    write(bench, lowest, 0, 0x11)
    bottom = bench.overlay("bottom", 1 * MIB, backing=lowest)
    write(bench, bottom, 128 * KIB, 0x22)
    bench.node("slow", "throttle", file=bottom, throttle_group="group")
    image = bench.overlay("image", 1 * MIB, backing="slow")
    bench.overlay("other", 1 * MIB)
    with graph_unchanged(bench):
        for name in ("nowhere", "slow"):
            add(bench, "filling", file=image, bottom=name)
    add(bench, "filling", file=image, bottom=bottom)
    bench.guest("filling").read(0, 256 * KIB)
    bench.close_guest("filling")
    add(bench, "above", file="filling")
    with graph_unchanged(bench):
        add(bench, "second", file="filling", bottom=bottom)
        bench.execute("block-stream", job_id="job0", device=image)
        bench.execute("block-stream", job_id="job0", device="filling")
        bench.execute("block-commit", job_id="job0", device="above", top_node=image, base_node=lowest)
        bench.execute("block-commit", job_id="job0", device="above", base_node=lowest)
        bench.execute("block-commit", job_id="job0", device="above", top_node="slow", base_node=bottom)
        reopen(bench, image, None)
    bench.note("what was read from below the bottom was not kept")
    reopen(bench, bottom, None)
    bench.guest(image).read(0, 256 * KIB)
    bench.close_guest(image)
    bench.note("without the filter the links can be changed; what was read from the bottom was kept")
    for name in ("filling", "above", "filling"):
        bench.execute("blockdev-del", node_name=name)
    reopen(bench, image, None)
    bench.show_graph()
    bench.guest(image).read(0, 256 * KIB)


def write(bench: Bench, node: str, offset: int, value: int) -> None:
    bench.guest(node).write(offset, 128 * KIB, value)
    bench.close_guest(node)


def add(bench: Bench, name: str, **options: Any) -> None:
    bench.execute("blockdev-add", {"driver": "copy-on-read", "node-name": name}, **options)


def reopen(bench: Bench, name: str, backing: str | None) -> None:
    option = {"driver": "qcow2", "node-name": name, "file": f"{name}-file", "backing": backing}
    bench.execute("blockdev-reopen", options=[option])
