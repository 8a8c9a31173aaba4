"""628-reopen: options of nodes in use are changed all together or not at all; cycles and missing children are refused.

Groups: graph quick
Needs: blockdev-reopen driver=qcow2 driver=copy-on-read
Source: 245-block_commit_1, 155-BR, 248-1
"""

from typing import Any

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    base = bench.overlay("base", 1 * MIB)
    middle = bench.overlay("middle", 1 * MIB, backing=base)
    top = bench.overlay("top", 1 * MIB, backing=middle)
    bench.node("filling", "copy-on-read", file=base)
    bench.guest(base).write(0, 64 * KIB, 0x11)
    bench.guest(top).read(0, 128 * KIB)
    bench.show_graph()
    with graph_unchanged(bench):
        refuse(bench)
    bench.note("accepted")
    bench.execute("blockdev-reopen", options=[image(top, backing=None), image(middle, backing=top)])
    bench.show_chain(middle)
    bench.execute("blockdev-reopen", options=[image(middle, backing=base)])
    bench.execute("blockdev-reopen", options=[image(top, backing=base)])
    bench.show_chain(top)
    bench.guest(top).read(0, 128 * KIB)
    bench.execute("blockdev-reopen", options=[image(top, backing=None), image(middle, backing=None)])
    bench.show_graph()
    bench.guest(top).read(0, 128 * KIB)
    bench.execute("blockdev-reopen", options=[image(top, backing=middle), image(middle, backing=base)])
    bench.show_chain(top)
    bench.guest(top).read(0, 128 * KIB)


def refuse(bench: Bench) -> None:
    bench.note("cycles and nodes that are not there")
    for options in (
        [image("middle", backing="top")],
        [image("middle", backing="middle")],
        [image("middle", backing="nowhere")],
        [image("nowhere", backing=None)],
        [{"driver": "qcow2", "node-name": "middle", "file": "middle-file"}],
        [{"driver": "qcow2", "file": "middle-file", "backing": None}],
        [{"driver": "copy-on-read", "node-name": "filling", "file": "base"}],
        [{"driver": "raw", "node-name": "middle", "file": "middle-file"}],
    ):
        bench.execute("blockdev-reopen", options=options)
    bench.note("what somebody needs")
    bench.execute("blockdev-reopen", options=[image("middle", backing="base") | {"file": "base-file"}])
    bench.execute("blockdev-reopen", options=[image("top", backing="middle") | {"read-only": True}])
    bench.note("one that could be and one that cannot")
    possible, impossible = image("top", backing=None), image("middle", backing="base") | {"file": "base-file"}
    bench.execute("blockdev-reopen", options=[possible, impossible])


def image(name: str, backing: str | None) -> dict[str, Any]:
    return {"driver": "qcow2", "node-name": name, "file": f"{name}-file", "backing": backing}
