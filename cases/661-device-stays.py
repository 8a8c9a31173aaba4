"""661-device-stays: a mirror that is cancelled leaves the device where it was, and its unnamed filter is never seen.

Neither `query-block` nor `query-blockstats` shows the filter, during the job and after it. A soft cancel of a job that
is ready ends as a completed one, but for the place.

Groups: chains device drive
Needs: drive-mirror device_add driver=qcow2
Source: 041-A-cancel, 041-B-cancel, 041-C-cancel, 041-D-cancel, 041-E-cancel, 041-F-cancel, 041-A-cancel_after_ready,
    041-B-cancel_after_ready, 041-C-cancel_after_ready, 041-D-cancel_after_ready, 041-E-cancel_after_ready,
    041-F-cancel_after_ready, 041-A-implicit_node, 041-B-implicit_node, 041-C-implicit_node, 041-D-implicit_node,
    041-E-implicit_node, 041-F-implicit_node, 041-Q-implicit_mirror_filter, D19
"""

from harness.bench import Bench
from harness.mirror_families import DeviceMirrors
from harness.units import KIB

GRANULE = 64 * KIB


def run(bench: Bench) -> None:
    mirrors = DeviceMirrors(bench)
    for family in mirrors.each():
        mirrors.devices.show()
        bench.note("force")
        mirrors.start(speed=1, buf_size=GRANULE)
        if family.size:
            bench.wait_until(lambda: bench.progress()[0] == GRANULE, "the first granule")
        mirrors.devices.show()
        bench.execute("block-job-cancel", device="job0", force=True)
        mirrors.end()
        bench.note("after READY")
        mirrors.start()
        bench.wait_event("BLOCK_JOB_READY")
        bench.execute("block-job-cancel", device="job0")
        mirrors.end()
        mirrors.read()
