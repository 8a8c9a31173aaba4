"""166-queries: what the queries say of a job and of its bitmap in each state, in background and in active mode.

The mirror's bitmap has no name, is not persistent and not busy. The granularity is what was asked for, or 64 KiB. Where
the bitmap is listed, and whether it counts as recording (or, up to 5.2, which status it has), differs between versions
and is not shown.

Groups: job qmp quick
Source: QQ-1, QQ-2, QQ-3, QQ-4, QQ-5, 109-q, QA-07, TP-45
"""

from harness import filters
from harness.bench import Bench
from harness.job_course import LASTING_STATES, leave, reach
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 256 * KIB, 0x11)
    target = bench.disk("target", 256 * KIB)
    for copy_mode in ("background", "write-blocking"):
        for state in LASTING_STATES:
            granularity = {"running": 4 * KIB, "paused": 32 * KIB, "ready": 512}.get(state, 0)
            reach(bench, state, source, target, copy_mode=copy_mode, granularity=granularity)
            bench.say(f"query-jobs {filters.canonical(bench.query('query-jobs'))}")
            bench.show_job()
            show_bitmap(bench)
            leave(bench, source)
    bench.note("no job, no bitmap, no filter")
    for command in ("query-jobs", "query-block-jobs", "query-block"):
        bench.say(f"{command} {bench.query(command)}")
    show_bitmap(bench)
    for node in sorted(bench.query("query-named-block-nodes"), key=lambda node: str(node["node-name"])):
        size = node["image"]["virtual-size"]
        bench.say(f"node {node['node-name']}: {node['drv']}, {size} bytes, read-only {node['ro']}")


def show_bitmap(bench: Bench) -> None:
    """The bitmaps of all nodes but for what lawfully differs."""
    bitmaps = [
        {name: value for name, value in bitmap.items() if name not in ("recording", "status")}
        for node in bench.query("query-named-block-nodes")
        for bitmap in node.get("dirty-bitmaps", ())
    ]
    bench.say(f"bitmaps {filters.canonical(bitmaps)}")
