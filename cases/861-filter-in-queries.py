"""861-filter-in-queries: queries show the source below the filter, as they show whatever any filter is over.

Also a throttle's child, which is called ``file``, counts as what is below it, and a raw node's does not: so the role in
which a mirror's filter uses its source makes no difference here.

Groups: graph modes quick
Needs: blockdev-reopen driver=throttle
Source: QQ-5, TD-3, TD-6
"""

from typing import Any

from harness.bench import Bench
from harness.units import KIB

SIZE = 256 * KIB


def run(bench: Bench) -> None:
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "group", "limits": {}})
    source, target = bench.disk("source", SIZE, 0x11), bench.disk("target", SIZE)
    bench.node("plain", "raw", file=source.name)
    bench.node("slow", "throttle", file="plain", throttle_group="group")
    bench.node("other", "throttle", file=target.name, throttle_group="group")
    guest = bench.guest("slow")
    show_nodes(bench)
    bench.mirror("slow", "other", filter_node_name="filter", on_target_error="stop")
    bench.wait_event("BLOCK_JOB_READY")
    show_nodes(bench)
    bench.note("flat, nobody is told of what is below")
    show_nodes(bench, flat=True)
    guest.write(0, 512, 0x22)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    show_nodes(bench)


def show_nodes(bench: Bench, **arguments: Any) -> None:
    """Each node: how many are below it, and their drivers."""
    for node in sorted(bench.query("query-named-block-nodes", arguments), key=lambda node: str(node["node-name"])):
        below: list[str] = []
        image = node["image"]
        while "backing-image" in image:
            image = image["backing-image"]
            below.append(image["format"])
        bench.say(f"{node['node-name']}: {node['drv']}, depth {node['backing_file_depth']}, over {below or 'nothing'}")
