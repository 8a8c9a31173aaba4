"""635-filter-above-every-kind-of-user: a filter is put in above a node whoever uses it, and goes again.

An image is used by an overlay, a window, a throttle, blkdebug and an export, that is, as `backing`, `file`, `image` and
`root`. The filter of a stream into it is between it and all of them, and so is that of a commit. After the commit they
are above the base.

Groups: graph stream commit quick
Needs: block-commit block-stream.bottom blockdev-reopen driver=qcow2 driver=throttle driver=blkdebug
Source: GAP-13, UG-1
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "group", "limits": {}})
    lowest = bench.overlay("lowest", 1 * MIB)
    bench.guest(lowest).write(0, 256 * KIB, 0x11)
    bench.close_guest(lowest)
    base = bench.overlay("base", 1 * MIB, backing=lowest)
    image = bench.overlay("image", 1 * MIB, backing=base)
    bench.overlay("overlay", 1 * MIB, backing=image)
    bench.node("window", "raw", file=image, offset=64 * KIB, size=128 * KIB, read_only=True)
    bench.node("slow", "throttle", file=image, throttle_group="group", read_only=True)
    bench.node("debug", "blkdebug", image=image, read_only=True)
    for name in (image, "window", "slow", "debug"):
        bench.execute("block-export-add", type="nbd", id=name, node_name=name, name=name)
    guest = bench.guest("overlay")
    for command, options in (
        ("block-stream", {"device": image, "bottom": base}),
        ("block-commit", {"device": "overlay", "top-node": image}),
    ):
        more = {"job-id": "job0", "filter-node-name": "filter", "auto-finalize": False}
        bench.execute(command, options | more)
        bench.wait_event("BLOCK_JOB_PENDING")
        bench.show_graph()
        guest.read(0, 512 * KIB)
        bench.execute("job-finalize", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.show_graph()
    guest.read(0, 512 * KIB)
