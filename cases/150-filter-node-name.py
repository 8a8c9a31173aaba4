"""150-filter-node-name: the filter has the name that it was given, or one of its own, as long as the job lives.

Groups: job qmp graph quick
Source: QA-11, QQ-5, TP-08, 041-Q-explicit_mirror_filter
"""

from harness.bench import Bench
from harness.units import KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 64 * KIB, 0x11)
    target = bench.disk("target", 64 * KIB)
    for name in ("1x", "", "#a", "_a", "-a", "a b", "a/b", "\u00e4", "source", "target", "x" * 32):
        bench.mirror(source, target, filter_node_name=name)
    show_nodes(bench)
    for options in ({"filter_node_name": "the-Filter_1.0"}, {"filter_node_name": "x" * 31}, {}):
        for end in ("job-complete", "job-cancel"):
            bench.mirror(source, target, **options)
            bench.wait_event("BLOCK_JOB_READY")
            show_nodes(bench)
            bench.execute(end, id="job0")
            bench.wait_event("JOB_STATUS_CHANGE", status="null")
            show_nodes(bench)
    bench.note("and when the job fails")
    source.fail("read")
    bench.mirror(source, target, filter_node_name="filter")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    show_nodes(bench)


def show_nodes(bench: Bench) -> None:
    """All nodes with their drivers, the names that were made up made equal."""
    nodes = [(node["node-name"], node["drv"]) for node in bench.query("query-named-block-nodes")]
    names = sorted(f"{'(made up)' if name.startswith('#') else name}={driver}" for name, driver in nodes)
    bench.say(f"nodes: {', '.join(names)}")
