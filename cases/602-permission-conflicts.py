"""602-permission-conflicts: who would disturb another user of a node is refused by name, and nothing is changed.

Filters that refuse to share, images that have their file for themselves, windows that rely on a size, read-only nodes,
and mirrors whose target somebody reads or protects.

Groups: graph quick
Needs: blockdev-reopen driver=qcow2 driver=blkdebug driver=copy-on-read driver=throttle
Source: UG-1, UG-3, UG-4, UG-5, 041-O-failing_permissions, QA-02, 041-N-with_other_parent
"""

from typing import Any

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "group", "limits": {"iops-total": 1000}})
    bench.guest(bench.disk("other", 64 * KIB))
    disk = bench.disk("disk", 1 * MIB).name
    bench.node("plain", "raw", file=disk)
    bench.node("part", "raw", file=disk, offset=512, size=64 * KIB)
    bench.node("slow", "throttle", file=disk, throttle_group="group")
    bench.node("filling", "copy-on-read", file="slow")
    bench.node("alone", "blkdebug", image="filling", unshare_child_perms=["write"])
    bench.show_graph()

    bench.note("a user that needs what another does not share")
    add(bench, "second", driver="blkdebug", image="slow", **{"take-child-perms": ["write"]})
    add(bench, "second", driver="blkdebug", image=disk, **{"take-child-perms": ["resize"]})
    add(bench, "second", driver="raw", file="nowhere")
    add(bench, "second", driver="throttle", file=disk, **{"throttle-group": "nowhere"})
    add(bench, "plain", driver="raw", file=disk)
    export(bench, "slow", writable=True)
    export(bench, "slow", writable=False)
    export(bench, "plain", writable=True)

    bench.note("an image has its file for itself")
    image = bench.overlay("image", 1 * MIB)
    export(bench, "image-file", writable=True)
    export(bench, "image-file", writable=False)
    add(bench, "second", driver="qcow2", file="image-file", backing=None)
    add(bench, "second", driver="qcow2", file=disk, backing=None)

    bench.note("read-only")
    bench.disk("fixed", 64 * KIB, read_only=True)
    bench.node("above-fixed", "raw", file="fixed", read_only=True)
    export(bench, "fixed", writable=True)
    export(bench, "above-fixed", writable=True)
    export(bench, "above-fixed", writable=False)

    bench.note("mirrors")
    bench.disk("source", 1 * MIB, 0x11)
    bench.disk("target", 1 * MIB)
    bench.node("guard", "blkdebug", image="target", unshare_child_perms=["write"])
    bench.mirror("source", "target")
    bench.mirror("source", "image-file")
    bench.mirror("source", "fixed")
    bench.execute("block-export-add", type="nbd", id="reader", node_name="image", name="reader")
    bench.mirror("source", image)
    bench.execute("block-export-del", id="reader")
    bench.note("nothing was changed")
    bench.show_graph()


def add(bench: Bench, name: str, **options: Any) -> None:
    bench.execute("blockdev-add", options | {"node-name": name})


def export(bench: Bench, node: str, *, writable: bool) -> None:
    reply = bench.execute("block-export-add", type="nbd", id="export", node_name=node, name=node, writable=writable)
    if "return" in reply:
        bench.execute("block-export-del", id="export")
