"""612-commit-through-filters: a filter goes with the images below it if the commit starts there, else it stays.

Groups: commit quick
Needs: blockdev-reopen block-commit driver=qcow2 driver=throttle
Source: 040-CF-filtered_active_commit_with_filter, 040-CF-filtered_active_commit_without_filter
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "group", "limits": {}})
    for name, with_filter in (("with", True), ("without", False)):
        bench.note(f"{name} the filter")
        base = bench.overlay(f"base-{name}", 1 * MIB)
        top = bench.overlay(f"top-{name}", 1 * MIB, backing=base)
        above = bench.node(f"filter-{name}", "throttle", file=top, throttle_group="group")
        guest = bench.guest(above)
        guest.write(64 * KIB, 64 * KIB, 0x11)
        options = {} if with_filter else {"top_node": top}
        bench.execute("block-commit", job_id="job0", device=above, base_node=base, **options)
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("blockdev-del", node_name=above)
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.show_graph()
        guest.read(0, 256 * KIB)
        bench.execute("blockdev-del", node_name=above)
        bench.execute("blockdev-del", node_name=top)
        bench.close_guest(above)
