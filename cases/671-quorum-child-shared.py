"""671-quorum-child-shared: a child of a quorum that somebody else sees too is not replaced, be that so early or late.

The other user would see the data of another disk all of a sudden. An overlay of the child's can be replaced, since
nobody but the quorum sees it.

Groups: graph drive
Needs: drive-mirror driver=quorum driver=qcow2 blockdev-snapshot
Source: 041-N-with_other_parent, 041-N-with_other_parents_after_mirror_start, 041-N-after_a_quorum_snapshot, BF-07, C54
"""

from harness.bench import Bench
from harness.image_files import ImageFiles
from harness.units import KIB, MIB

SIZE = 1 * MIB
CHILDREN = ["img0", "img1", "img2"]


def run(bench: Bench) -> None:
    bench.hide_pauses("every change of the graph drains what it changes")
    files = ImageFiles(bench)
    for name in CHILDREN:
        bench.disk(name, SIZE, 0x11)
    bench.node("quorum0", "quorum", children=CHILDREN, vote_threshold=2)
    guest = bench.guest("quorum0")
    export = {"type": "nbd", "id": "other", "node-name": "img1", "name": "other"}
    repair = {"job-id": "job0", "device": "quorum0", "sync": "full", "format": "raw", "node-name": "repair0"}

    bench.note("from the beginning")
    bench.execute("block-export-add", export)
    files.expect("early.img")
    bench.execute("drive-mirror", repair | {"replaces": "img1", "target": "early.img"})
    bench.execute("block-export-del", id="other")
    bench.wait_event("BLOCK_EXPORT_DELETED", id="other")

    bench.note("while the job runs")
    files.expect("late.img")
    bench.execute("drive-mirror", repair | {"replaces": "img1", "target": "late.img"})
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("block-export-add", export)
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.show_graph()
    bench.execute("block-export-del", id="other")
    bench.wait_event("BLOCK_EXPORT_DELETED", id="other")

    bench.note("below an overlay")
    bench.overlay("snap1", SIZE)
    bench.execute("blockdev-snapshot", node="img1", overlay="snap1")
    guest.write(64 * KIB, 64 * KIB, 0x22)
    for node in ("img1", "snap1"):
        files.expect(f"over-{node}.img")
        bench.execute("drive-mirror", repair | {"replaces": node, "target": f"over-{node}.img"})
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.execute("blockdev-del", node_name="snap1")
    bench.show_graph()
    guest.read(0, SIZE)
