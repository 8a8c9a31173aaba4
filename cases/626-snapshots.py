"""626-snapshots: an overlay put above a node takes its users; mirrors and commits go on from there, again and again.

Groups: graph commit quick
Needs: blockdev-reopen blockdev-snapshot block-commit driver=qcow2
Source: 144-1, TP-34, 155-BS
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB, 0x11)
    guest = bench.guest(disk)
    for number in (1, 2):
        overlay = bench.overlay(f"overlay-{number}", 1 * MIB)
        bench.execute("blockdev-snapshot", node="disk", overlay=overlay)
        guest.write(number * 64 * KIB, 64 * KIB, 0x20 + number)
        bench.show_chain(overlay)
        bench.execute("blockdev-snapshot", node=overlay, overlay=overlay)
        bench.execute("blockdev-snapshot", node="disk", overlay="nowhere")
        bench.execute("blockdev-snapshot", node="nowhere", overlay=overlay)
        bench.execute("blockdev-snapshot", node="disk", overlay=bench.overlay(f"unused-{number}", 1 * MIB))
        bench.execute("block-commit", job_id="job0", device=overlay)
        bench.wait_event("BLOCK_JOB_READY")
        guest.write(512 * KIB, 64 * KIB, 0x30 + number)
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.show_graph()
        guest.read(0, 1 * MIB)
        bench.execute("blockdev-del", node_name=overlay)
