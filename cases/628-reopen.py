"""628-reopen: options of nodes in use are changed all together or not at all; cycles and missing children are refused.

Groups: graph quick
Needs: blockdev-reopen driver=qcow2
Source: 245-block_commit_1, 155-BR, 248-1
"""

from typing import Any

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    base = bench.overlay("base", 1 * MIB)
    middle = bench.overlay("middle", 1 * MIB, backing=base)
    top = bench.overlay("top", 1 * MIB, backing=middle)
    bench.guest(base).write(0, 64 * KIB, 0x11)
    bench.guest(top).read(0, 128 * KIB)
    before = bench.query("x-debug-query-block-graph")
    refused(bench, image(middle, backing=top))
    refused(bench, image(middle, backing=middle))
    refused(bench, image(middle, backing="nowhere"))
    refused(bench, {"driver": "qcow2", "node-name": middle, "file": "middle-file"})
    refused(bench, image("nowhere", backing=None))
    refused(bench, {"driver": "qcow2", "file": "middle-file", "backing": None})
    refused(bench, image(middle, backing=base) | {"file": "base-file"})
    refused(bench, image(top, backing=None), image(middle, backing=top))
    refused(bench, image(top, backing=middle) | {"read-only": True})
    after = bench.query("x-debug-query-block-graph")
    bench.say(f"the graph {'is as before' if len(before['edges']) == len(after['edges']) else 'was changed'}")
    bench.show_graph()
    bench.note("accepted")
    bench.execute("blockdev-reopen", options=[image(top, backing=base)])
    bench.show_chain(top)
    bench.guest(top).read(0, 128 * KIB)
    bench.execute("blockdev-reopen", options=[image(top, backing=None), image(middle, backing=None)])
    bench.show_graph()
    bench.guest(top).read(0, 128 * KIB)
    bench.execute("blockdev-reopen", options=[image(top, backing=middle), image(middle, backing=base)])
    bench.show_chain(top)
    bench.guest(top).read(0, 128 * KIB)


def image(name: str, backing: str | None) -> dict[str, Any]:
    return {"driver": "qcow2", "node-name": name, "file": f"{name}-file", "backing": backing}


def refused(bench: Bench, *options: dict[str, Any]) -> None:
    bench.execute("blockdev-reopen", options=list(options))
