"""619-throttle-groups: limits that contradict each other are no group, and a group is there as long as a node is in it.

A node can go over to another group.

Groups: graph throttle quick
Needs: blockdev-reopen driver=throttle
Source: 151-5, CM-1, QA-11
"""

from typing import Any

from harness.bench import Bench
from harness.units import KIB

LARGE = 10**14


def run(bench: Bench) -> None:
    bench.note("no limits")
    for limits in (
        {"bps-total": 1, "bps-read": 1},
        {"iops-total-max": 2, "iops-write-max": 2, "iops-total": 1},
        {"iops-size": 1},
        {"bps-total": -1},
        {"bps-write": 10**15 + 1},
        {"bps-total": 10, "bps-total-max": 20, "bps-total-max-length": 0},
        {"bps-total": 10, "bps-total-max-length": 2},
        {"bps-total": 10, "bps-total-max": LARGE, "bps-total-max-length": 11},
        {"bps-total-max": 5},
        {"iops-read": 10, "iops-read-max": 5},
        {"bogus": 1},
        {"bps-total": "x"},
    ):
        make_group(bench, "group", limits)
    bench.note("no names")
    make_group(bench, "1group", {})
    bench.execute("object-add", {"qom-type": "throttle-group"})
    bench.execute("object-add", {"qom-type": "bogus", "id": "group"})
    bench.note("groups")
    make_group(bench, "group", {"iops-total": 10000, "iops-size": 4096, "iops-total-max": LARGE, "bps-read": LARGE})
    make_group(bench, "group", {})
    make_group(bench, "other", {})
    disk = bench.disk("disk", 64 * KIB)
    node = bench.node("slow", "throttle", file=disk.name, throttle_group="group")
    bench.guest(node).write(0, 64 * KIB, 0x11)
    reopen(bench, "nowhere")
    reopen(bench, "other")
    bench.execute("object-del", id="group")
    bench.execute("object-del", id="group")
    bench.guest(node).read(0, 64 * KIB)


def make_group(bench: Bench, name: str, limits: dict[str, Any]) -> None:
    bench.execute("object-add", {"qom-type": "throttle-group", "id": name, "limits": limits})


def reopen(bench: Bench, group: str) -> None:
    options = {"driver": "throttle", "node-name": "slow", "file": "disk", "throttle-group": group}
    bench.execute("blockdev-reopen", options=[options])
