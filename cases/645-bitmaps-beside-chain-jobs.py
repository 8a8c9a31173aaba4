"""645-bitmaps-beside-chain-jobs: a stream and copy-on-read change nothing that a bitmap could note, a commit does.

What they keep in an image is what reads there already; what a commit writes into its base is not.

Groups: commit stream bitmap quick
Needs: block-commit block-stream.bottom blockdev-reopen block-dirty-bitmap-add driver=qcow2 driver=copy-on-read
Source: 260-1, 041-Q-cor
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    below = None
    for name in ("lowest", "middle", "image"):
        below = bench.overlay(name, 1 * MIB, backing=below)
        if name == "lowest":
            bench.guest(name).write(0, 1 * MIB, 0x11)
            bench.close_guest(name)
    for name in ("lowest", "middle", "image"):
        bench.add_bitmap(name, "bitmap")
    bench.note("a stream, and reading through a filter that fills the image below")
    bench.execute("block-stream", job_id="job0", device="image")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.guest(bench.node("filling", "copy-on-read", file="middle")).read(0, 128 * KIB)
    show(bench)
    bench.note("a commit below the active layer, then of the active layer")
    upper = bench.overlay("upper", 1 * MIB, backing="image")
    bench.guest(upper).write(0, 64 * KIB, 0x22)
    bench.close_guest(upper)
    top = bench.overlay("top", 1 * MIB, backing=upper)
    bench.execute("block-commit", job_id="job0", device=top, top_node=upper, base_node="image")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    show(bench)
    guest = bench.guest(top)
    guest.write(256 * KIB, 64 * KIB, 0x33)
    bench.execute("block-commit", job_id="job0", device=top, base_node="image")
    bench.wait_event("BLOCK_JOB_READY")
    bench.execute("job-complete", id="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    show(bench)
    guest.write(512 * KIB, 64 * KIB, 0x44)
    show(bench)


def show(bench: Bench) -> None:
    for node in bench.query("query-named-block-nodes"):
        for bitmap in node.get("dirty-bitmaps", ()):
            bench.say(f"bitmap of {node['node-name']}: {bitmap['count']} bytes are dirty")
