"""640-throttled-disks: a mirror between disks behind throttles becomes ready, and its guest's writes are not lost.

The limits are wide enough for a real program and counted in virtual time by the reference; nothing here depends on how
long it takes.

Groups: graph throttle
Needs: blockdev-reopen driver=throttle copy-mode=write-blocking
Source: 151-5, 151-6, CM-1
"""

from harness.bench import Bench
from harness.units import KIB, MIB

SIZE = 1 * MIB


def run(bench: Bench) -> None:
    bench.hide_event_members("len", "offset", reason="how often a granule was copied is a matter of time")
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "fast", "limits": {"iops-total": 2000}})
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "slow", "limits": {"bps-write": 8 * MIB}})
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "slow", "limits": {}})
    source, target = bench.disk("source", SIZE, 0x11), bench.disk("target", SIZE)
    bench.node("throttled-source", "throttle", file="source", throttle_group="fast")
    bench.node("throttled-target", "throttle", file="target", throttle_group="slow")
    guest = bench.guest("throttled-source")
    for copy_mode in ("background", "write-blocking"):
        bench.mirror("throttled-source", "throttled-target", copy_mode=copy_mode)
        bench.wait_event("BLOCK_JOB_READY")
        for number in range(8):
            guest.write(number * 96 * KIB + 512, 1024, 0x20 + number)
        bench.execute("block-job-cancel", device="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.require_equal(source, target)
    bench.execute("blockdev-del", node_name="throttled-target")
    bench.execute("object-del", id="slow")
    bench.execute("object-del", id="nowhere")
