"""190-node-arguments: what the commands that make nodes, objects and exports refuse, each in its own words.

A member of a member is called by its path, a value of an enumeration by its last name only. What a node is made of is
looked at in order: its name, its driver, its members, what is below it; a refusal leaves nothing behind. (Up to 6.0 the
same is told in other words.)

Groups: qmp graph quick
Needs: object-add blockdev-reopen
Source: QD-04, QA-11, UJ-1
"""

from typing import Any

from harness.bench import Bench
from harness.units import KIB


def run(bench: Bench) -> None:
    bench.guest(bench.disk("disk", 64 * KIB, 0x11))
    add = {"driver": "null-co", "node-name": "new", "size": 64 * KIB}

    def refuse(**changes: Any) -> None:
        bench.execute("blockdev-add", {name: value for name, value in (add | changes).items() if value is not ...})

    bench.note("names, drivers, sizes")
    bench.execute("blockdev-add", driver="null-co")
    bench.execute("blockdev-add", node_name="new")
    for name in ("", "1x", "#a", "disk", "x" * 32, 1):
        refuse(**{"node-name": name})
    for driver in ("bogus", "", 1):
        refuse(driver=driver)
    for size in ("x", 1.5, 2**64):
        refuse(size=size)
    bench.note("members of members")
    refuse(cache=1)
    refuse(cache={"direct": 1})
    refuse(cache={"bogus": True})
    refuse(bogus=1)
    refuse(discard="bogus")
    bench.note("what is below")
    raw = {"driver": "raw", "size": ...}
    refuse(**raw)
    for below in (1, True, "nonexistent", {}, {"driver": "raw"}, {"driver": "null-co", "size": "x"}):
        refuse(**raw, file=below)
    refuse(**raw, file={"driver": "raw", "file": {"driver": "null-co", "cache": {"direct": "x"}}})
    refuse(**raw, file={"driver": "raw", "file": {"driver": "bogus"}})
    bench.note("windows")
    window = {"driver": "raw", "file": "disk"}
    refuse(**window, offset=65 * KIB, size=...)
    refuse(**window, offset=512, size=64 * KIB)
    bench.note("nodes that keep their size")
    null = {"driver": "null-co", "size": 64 * KIB}
    bench.execute("blockdev-add", {"driver": "raw", "node-name": "window", "file": null, "size": 4096})
    bench.execute("block_resize", node_name="window", size=8192)
    bench.execute("blockdev-del", node_name="window")
    bench.execute("blockdev-add", add)
    bench.execute("block_resize", node_name="new", size=8192)
    bench.execute("blockdev-del", node_name="new")
    bench.note("throttle groups")
    refuse(driver="throttle", size=..., file="disk")
    refuse(**{"driver": "throttle", "size": ..., "file": "disk", "throttle-group": "nonexistent"})
    bench.execute("object-add", qom_type="throttle-group")
    bench.execute("object-add", qom_type="throttle-group", id="group", limits=1)
    bench.execute("object-add", qom_type="throttle-group", id="group", limits={"iops-total": "x"})
    bench.execute("object-add", qom_type="throttle-group", id="group")
    bench.execute("object-add", qom_type="throttle-group", id="group")
    bench.execute(
        "blockdev-add", {"driver": "throttle", "node-name": "slow", "file": "disk", "throttle-group": "group"}
    )
    bench.execute("object-del", id="nonexistent")
    bench.execute("blockdev-del", node_name="slow")
    bench.execute("object-del", id="group")
    bench.note("deleting")
    bench.execute(
        "blockdev-add", {"driver": "raw", "node-name": "upper", "file": {"driver": "null-co", "node-name": "lower"}}
    )
    for name in ("lower", "nonexistent", "", 1):
        bench.execute("blockdev-del", node_name=name)
    bench.execute("blockdev-del")
    bench.execute("blockdev-del", node_name="upper")
    bench.note("exports")
    export = {"type": "nbd", "id": "export", "node-name": "disk"}
    for changes in (
        {"id": "1x"},
        {"id": ""},
        {"type": "bogus"},
        {"node-name": "nonexistent"},
        {"name": 1},
        {"bogus": 1},
    ):
        bench.execute("block-export-add", export | changes)
    bench.execute("block-export-add", export | {"name": "an-export"})
    bench.execute("block-export-add", export | {"name": "another"})
    bench.execute("block-export-del", id="nonexistent")
    bench.execute("block-export-del", id="export", mode="bogus")
    bench.execute("block-export-del", id="export")
    bench.say(f"nodes: {sorted(node['node-name'] for node in bench.query('query-named-block-nodes'))}")
