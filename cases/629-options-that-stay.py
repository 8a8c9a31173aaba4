"""629-options-that-stay: what a driver cannot change can neither be changed nor left out when a node is reopened.

What a driver can change is changed: the window of `raw`, and whether discards reach the disk, which stays as it is
where nothing is said of it.

Groups: graph quick
Needs: blockdev-reopen driver=null-co driver=blkdebug
Source: 155-BR, 248-1, A9
"""

from typing import Any

from harness.bench import Bench
from harness.graph_unchanged import graph_unchanged
from harness.units import KIB, MIB

RULE = {"event": "none", "iotype": "flush"}


def run(bench: Bench) -> None:
    disk = bench.disk("disk", 1 * MIB, 0x11, unmap=True)
    bench.node("null", "null-co", size=64 * KIB, read_zeroes=True)
    bench.node("debug", "blkdebug", image="disk", inject_error=[RULE])
    bench.node("window", "raw", file="disk", offset=4 * KIB, size=512 * KIB, discard="unmap")
    file = bench.file("file", 64 * KIB)
    guest = bench.guest("window")
    with graph_unchanged(bench):
        null = {"driver": "null-co", "node-name": "null"}
        for options in (
            {"size": 64 * KIB},
            {"size": 64 * KIB, "read-zeroes": False},
            {"size": 1 * MIB, "read-zeroes": True},
            {"size": 64 * KIB, "read-zeroes": True, "latency-ns": 0},
            {"size": 64 * KIB, "read-zeroes": True},
        ):
            reopen(bench, null | options)
        debug = {"driver": "blkdebug", "node-name": "debug", "image": "disk"}
        for rule in (RULE | {"iotype": "read"}, RULE | {"once": True}, {"event": "none"}, RULE):
            reopen(bench, debug | {"inject-error": [rule]})
        reopen(bench, {"driver": "file", "node-name": file, "filename": "another"})
        window = {"driver": "raw", "node-name": "window", "file": "disk"}
        reopen(bench, window | {"offset": 2 * MIB})
        reopen(bench, window | {"size": 2 * MIB})
        reopen(bench, window | {"file": "nowhere"})
        reopen(bench, window | {"file": "window"})
    bench.note("what can be changed")
    for more in ({}, {"discard": "ignore"}, {}, {"discard": "unmap"}):
        reopen(bench, window | {"offset": 512 * KIB} | more)
        guest.discard(0, 64 * KIB)
        holes = disk.storage.read_bytes(512 * KIB, 1) == bytes(1)
        bench.say(f"the disk {'has a hole' if holes else 'has data'} there")
        guest.write(0, 64 * KIB, 0x22)


def reopen(bench: Bench, options: dict[str, Any]) -> None:
    bench.execute("blockdev-reopen", options=[options])
