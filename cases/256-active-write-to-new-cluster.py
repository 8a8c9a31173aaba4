"""256-active-write-to-new-cluster: an active write to a cluster that a target without its backing file has not got yet.

The rest of the cluster must be what the source shows there: the backing file that comes later is not seen through it.

Groups: chains active quick
Needs: blockdev-reopen copy-mode=write-blocking driver=qcow2
Source: C17, GAP-01, 155-BR
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    for sync in ("top", "none"):
        bench.note(f"sync={sync}")
        base = bench.overlay(f"base-{sync}", SIZE)
        bench.guest(base).write(0, SIZE, 0x11)
        bench.close_guest(base)
        top = bench.overlay(f"top-{sync}", SIZE, backing=base)
        guest = bench.guest(top)
        target = bench.overlay(f"target-{sync}", SIZE, names_backing_file="base")
        bench.mirror(top, target, sync=sync, granularity=4 * KIB, copy_mode="write-blocking", auto_finalize=False)
        bench.wait_event("BLOCK_JOB_READY")
        guest.write(128 * KIB, 4 * KIB, 0x22)
        guest.write(300 * KIB + 100, 100, 0x33)
        guest.read(0, SIZE)
        bench.execute("job-complete", id="job0")
        bench.wait_event("BLOCK_JOB_PENDING")
        options = {"driver": "qcow2", "node-name": target, "file": f"{target}-file", "backing": base}
        bench.execute("blockdev-reopen", options=[options])
        bench.execute("job-finalize", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        guest.read(0, SIZE)
        bench.close_guest(top)
