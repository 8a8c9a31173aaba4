"""622-replace-forbidden-at-the-end: a target that cannot take the source's place when it comes to it fails the job.

Nobody may read the target as long as the job writes it, so a filter above it that does not let it be read is no
conflict while the job runs. When the target is to be what the guest's other reader reads, it is one.

Groups: graph quick
Needs: driver=blkdebug
Source: 041-O-failing_permission_in_complete, 041-O-success, BF-08, BF-30
"""

from harness.bench import Bench
from harness.units import MIB


def run(bench: Bench) -> None:
    bench.guest(bench.disk("other", 1 * MIB))
    source, target = bench.disk("source", 1 * MIB, 0x11), bench.disk("target", 1 * MIB)
    bench.node("guard", "blkdebug", image="target", unshare_child_perms=["consistent-read"])
    bench.mirror(source, target, filter_node_name="filter")
    bench.wait_event("BLOCK_JOB_READY")
    bench.hide_pauses("adding a node drains what it is put above")
    bench.node("reader", "blkdebug", image="source", take_child_perms=["consistent-read"])
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_graph()
    bench.compare(source, target)
