"""110-life-cycle: a job goes through its whole life, and every field of every query follows.

With auto-finalize and auto-dismiss off, each state in which a job waits for somebody can be looked at: running (the
background copy is frozen by a speed of one byte a second and a buffer of one granule), ready, pending, concluded.
While it waits to be finalized the job counts as paused, because it keeps the source drained.

Groups: job quick
Source: QE-01, QE-05, QE-06, QQ-1, QQ-2, QQ-5
"""

from harness import filters
from harness.bench import Bench
from harness.units import KIB, MIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    source = bench.disk("source", 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)

    bench.mirror(
        source,
        target,
        filter_node_name="filter",
        speed=1,
        buf_size=GRANULE,
        auto_finalize=False,
        auto_dismiss=False,
    )
    show_all(bench)
    bench.execute("block-job-set-speed", device="job0", speed=0)
    bench.wait_event("BLOCK_JOB_READY")
    show_all(bench)
    bench.execute("job-complete", id="job0")
    bench.wait_event("BLOCK_JOB_PENDING")
    show_all(bench)
    bench.execute("job-finalize", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="concluded")
    show_all(bench)
    bench.require_equal(source, target)
    bench.execute("job-dismiss", id="job0")
    show_all(bench)


def show_all(bench: Bench) -> None:
    """Both queries, and which nodes there are."""
    bench.say(f"query-jobs {filters.canonical(bench.query('query-jobs'))}")
    bench.show_job()
    nodes = {node["node-name"]: node["drv"] for node in bench.query("query-named-block-nodes")}
    bench.say(f"nodes {filters.canonical(nodes)}")
