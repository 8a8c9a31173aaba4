"""620-replaces: the target takes the place of a node below the source if only filters are between the two.

Groups: graph quick
Needs: blockdev-reopen driver=copy-on-read driver=throttle driver=qcow2
Source: 041-P-replace_filter, 041-N-nonexistent_replaces, QA-05, BF-07, GAP-13
"""

from harness.bench import Bench
from harness.units import KIB, MIB


def run(bench: Bench) -> None:
    base = bench.overlay("base", 1 * MIB)
    image = bench.overlay("image", 1 * MIB, backing=base)
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "group", "limits": {}})
    bench.node("inner", "copy-on-read", file=image)
    bench.node("middle", "throttle", file="inner", throttle_group="group")
    bench.node("outer", "copy-on-read", file="middle")
    guest = bench.guest("outer")
    guest.write(0, 1 * MIB, 0x11)
    target = bench.disk("target", 1 * MIB)
    small = bench.disk("small", 64 * KIB).name
    bench.note("refused")
    for node in ("nowhere", base, "image-file", target.name, small):
        bench.mirror("outer", target, replaces=node)
    bench.mirror("outer", "inner")
    bench.mirror("outer", image)
    second = bench.disk("second", 1 * MIB)
    for node, copy in (("middle", target), ("outer", second)):
        bench.note(f"the target replaces {node}")
        bench.mirror("outer", copy, replaces=node)
        bench.wait_event("BLOCK_JOB_READY")
        guest.write(64 * KIB, 64 * KIB, 0x22)
        bench.execute("job-complete", id="job0")
        bench.wait_event("JOB_STATUS_CHANGE", status="null")
        bench.show_graph()
        guest.read(0, 1 * MIB)
