"""658-inactive-nodes: a node that another machine has may be neither source nor target of a mirror.

Groups: graph quick
Needs: blockdev-set-active driver=null-co
Source: INN-1, INN-2
"""

from harness.bench import Bench
from harness.units import MIB


def run(bench: Bench) -> None:
    for name in ("inactive", "active"):
        bench.node(name, "null-co", size=1 * MIB, read_zeroes=True, active=name == "active")
    bench.mirror("inactive", "active")
    bench.mirror("active", "inactive")
    bench.execute("blockdev-set-active", node_name="inactive", active=True)
    bench.mirror("active", "inactive")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("block-job-cancel", device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
