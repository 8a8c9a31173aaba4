"""633-stream-into-read-only: a read-only image is written by a stream, and is read-only again however that ends.

Groups: stream quick
Needs: block-stream.bottom blockdev-reopen driver=qcow2
Source: 030-overlapping_3, A20
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    base = bench.overlay("base", 1 * MIB)
    bench.guest(base).write(0, 128 * KIB, 0x11)
    bench.close_guest(base)
    image = bench.overlay("image", 1 * MIB, backing=base, read_only=True)
    top = bench.overlay("top", 1 * MIB, backing=image)
    guest = bench.guest(top)
    show(bench)
    bench.execute("block-stream", job_id="job0", device=image, filter_node_name=base)
    show(bench)
    for end in ("job-cancel", "job-finalize"):
        bench.execute("block-stream", job_id="job0", device=image, auto_finalize=False)
        bench.wait_event("BLOCK_JOB_PENDING")
        show(bench)
        bench.execute(end, id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        show(bench)
    bench.show_chain(top)
    guest.read(0, 256 * KIB)


def show(bench: Bench) -> None:
    for node in bench.query("query-named-block-nodes"):
        if node["node-name"] == "image":
            bench.say(f"image is {'read-only' if node['ro'] else 'writable'}")
