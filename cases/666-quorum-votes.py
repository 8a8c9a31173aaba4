"""666-quorum-votes: a mirror of a quorum copies what its children agree on, and ends when too few of them agree.

Who disagrees or fails is reported. A program sends only one report of a kind and child in a second, so each comes once.

Groups: graph quick
Needs: driver=quorum blockdev-mirror own-program
Source: 041-N-complete
"""

from harness.bench import Bench
from harness.units import KIB

GRANULE = 64 * KIB
SIZE = 8 * GRANULE
CHILDREN = ["img0", "img1", "img2"]


def run(bench: Bench) -> None:
    disks = [bench.disk(name, SIZE, 0x11) for name in CHILDREN]
    disks[2].storage.write_bytes(GRANULE, b"\x22" * 4096)
    bench.disk("short", GRANULE)
    short = {"children": ["img0", "img1", "short"]}
    for wrong in ({"vote-threshold": 4}, {"vote-threshold": 0}, {"children": []}, short):
        given = {"driver": "quorum", "node-name": "quorum0", "children": CHILDREN, "vote-threshold": 2}
        bench.execute("blockdev-add", given | wrong)
    bench.node("quorum0", "quorum", children=CHILDREN, vote_threshold=2)
    guest = bench.guest("quorum0")

    bench.note("one child of three holds something else")
    target = bench.disk("target", SIZE)
    bench.mirror("quorum0", target)
    bench.wait_event("BLOCK_JOB_READY")
    bench.compare(disks[0], target)
    bench.compare(disks[2], target)
    bench.execute("block-job-cancel", device="job0")
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
    bench.note("one child of three fails")
    disks[1].fail("write")
    guest.write(0, 4 * KIB, 0x33)

    bench.note("no two children agree")
    disks[1].storage.write_bytes(GRANULE, b"\x44" * 4096)
    other = bench.disk("other", SIZE)
    bench.mirror("quorum0", other)
    bench.wait_event("JOB_STATUS_CHANGE", status="null")
