"""670-quorum-child: a copy of a quorum takes the place of one of its children, if the job completes.

Groups: graph drive
Needs: drive-mirror driver=quorum
Source: 041-N-complete, 041-N-cancel, 041-N-cancel_after_ready, 041-N-pause, 041-N-image_not_found,
    041-N-wrong_sync_mode, 041-N-no_node_name
"""

from harness.bench import Bench
from harness.image_files import ImageFiles
from harness.units import KIB, MIB

SIZE = 1 * MIB
CHILDREN = ["img0", "img1", "img2"]


def run(bench: Bench) -> None:
    bench.hide_pauses("every change of the graph drains what it changes")
    files = ImageFiles(bench)
    disks = [bench.disk(name, SIZE, 0x11) for name in CHILDREN]
    bench.node("quorum0", "quorum", children=CHILDREN, vote_threshold=2)
    guest = bench.guest("quorum0")
    guest.write(128 * KIB, 64 * KIB, 0x22)
    repair = {"job-id": "job0", "device": "quorum0", "sync": "full", "format": "raw", "replaces": "img1"}
    named = repair | {"node-name": "repair0", "target": "repair.img"}

    bench.note("refused")
    files.expect("repair.img")
    bench.execute("drive-mirror", named | {"target": "nowhere.img", "mode": "existing"})
    bench.execute("drive-mirror", repair | {"target": "repair.img"})
    bench.execute("drive-mirror", {name: value for name, value in named.items() if name != "sync"})

    for number, ending in enumerate(("force", "soft", "complete")):
        bench.note(ending)
        target = files.expect(f"repair{number}.img")
        bench.execute("drive-mirror", named | {"target": target.name})
        bench.wait_event("BLOCK_JOB_READY")
        if ending != "force":
            bench.execute("job-pause", id="job0")
            guest.write(256 * KIB + number * 64 * KIB, 64 * KIB, 0x30 + number)
            bench.execute("job-resume", id="job0")
        if ending == "complete":
            bench.execute("job-complete", id="job0")
        else:
            bench.execute("block-job-cancel", device="job0", force=ending == "force")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.show_graph()
        if ending != "force":
            same = target.read_bytes() == disks[2].storage.read_bytes(0, SIZE)
            bench.say(f"{target.name} is {'as the quorum' if same else 'different'}")
    guest.write(0, 64 * KIB, 0x44)
    for disk in disks[:2]:
        bench.compare(disks[2], disk)
    same = target.read_bytes() == disks[2].storage.read_bytes(0, SIZE)
    bench.say(f"{target.name} is {'as the quorum' if same else 'different'}")
