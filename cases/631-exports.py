"""631-exports: an export has an id and a name that no other has, and uses its node until it is deleted.

Groups: graph quick
Needs: blockdev-reopen block-export-add driver=null-co
Source: 041-N-with_other_parent, MTP-1
"""

from typing import Any

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged
from harness.units import KIB


def run(bench: Bench) -> None:
    bench.guest(bench.disk("other", 64 * KIB))
    bench.node("null", "null-co", size=64 * KIB)
    export(bench, id="first", name="name")
    with graph_unchanged(bench):
        export(bench, id="first", name="another")
        export(bench, id="second", name="name")
        export(bench, id="1st")
        export(bench, id="second", node_name="nowhere")
        export(bench, id="second", type="bogus")
        bench.execute("block-export-del", id="second")
        bench.execute("block-export-del", id="first", mode="bogus")
        bench.execute("blockdev-del", node_name="null")
    export(bench, id="second", writable=True)
    export(bench, id="third", name="null")
    bench.show_graph()
    for each in bench.query("query-block-exports"):
        if each["node-name"] == "null":
            bench.say(f"export {each['id']} of {each['node-name']}")
    bench.execute("block-export-del", id="first", mode="hard")
    bench.execute("block-export-del", id="second")
    bench.execute("block-export-del", id="second")
    export(bench, id="third", name="null")
    bench.execute("block-export-del", id="third")
    bench.execute("blockdev-del", node_name="null")


def export(bench: Bench, **options: Any) -> None:
    bench.execute("block-export-add", {"type": "nbd", "node-name": "null"}, **options)
