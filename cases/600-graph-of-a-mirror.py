"""600-graph-of-a-mirror: who uses what, with which permissions, before, during and after a mirror.

Overlays below the source are used as before; the filter stands between the guest and the source and needs of it what
the guest needs; the job holds filter, source and target, and writes the target as a user of its own, beside which
nobody may read. Afterwards the guest is over the target, or, after a soft cancel, where it was.

Groups: graph quick
Needs: blockdev-reopen copy-mode=write-blocking driver=qcow2
Source: QQ-5, TP-08, UG-1, 041-Q-implicit_mirror_filter, 041-Q-explicit_mirror_filter
"""

from harness.bench import Bench
from harness.units import MIB


def run(bench: Bench) -> None:
    bench.hide_event_members("len", "offset", reason="whether zeroes count depends on the version")
    base = bench.overlay("base", 1 * MIB)
    middle = bench.overlay("middle", 1 * MIB, backing=base)
    top = bench.overlay("top", 1 * MIB, backing=middle)
    bench.note("nobody reads or writes yet: only what the images need for themselves")
    bench.show_graph()
    bench.guest(top)
    bench.note("with a guest")
    bench.show_graph()
    for end in ("job-complete", "block-job-cancel"):
        target = bench.overlay(f"target-{end}", 1 * MIB)
        source = top if end == "job-complete" else "target-job-complete"
        bench.mirror(source, target, filter_node_name="filter", copy_mode="write-blocking")
        bench.wait_event("BLOCK_JOB_READY")
        bench.show_graph()
        bench.execute(end, {"id": "job0"} if end == "job-complete" else {"device": "job0"})
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.note("afterwards")
        bench.show_graph()
