"""651-deleted-after-a-job: what a mirror or an active commit uses cannot be deleted before a soft cancel, and then can.

Nothing is written, so both jobs are ready with nothing to do.

Groups: chains graph quick
Needs: block-commit driver=qcow2
Source: 141-1, 141-2, QS-10
"""

from harness.bench import Bench
from harness.units import MIB


def run(bench: Bench) -> None:
    for kind in ("mirror", "commit"):
        bench.note(kind)
        base, top = bench.overlay(f"base-{kind}", 1 * MIB), f"top-{kind}"
        bench.overlay(top, 1 * MIB, backing=base)
        if kind == "mirror":
            bench.mirror(top, bench.overlay("target", 1 * MIB), sync="none")
        else:
            bench.execute("block-commit", job_id="job0", device=top)
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("blockdev-del", node_name=top)
        bench.execute("blockdev-del", node_name=base)
        bench.execute("block-job-cancel", device="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.execute("blockdev-del", node_name=top)
        bench.execute("blockdev-del", node_name=base)
