"""621-states-of-blkdebug: which requests a blkdebug node fails, in which state, and who tells it of what.

The tool is held against real programs, since other cases fail requests with it.

Groups: graph errors quick
Needs: blockdev-reopen driver=blkdebug driver=throttle
Source: 041-J-report_write, 229-1, MRCE-1
"""

from typing import Any

from harness.bench import Bench
from harness.guest import Guest
from harness.units import KIB, MIB

WRITE_FAILS = {"event": "write_aio", "iotype": "write"}


def run(bench: Bench) -> None:
    bench.execute("object-add", {"qom-type": "throttle-group", "id": "group", "limits": {}})
    bench.note("rules of an event take the place of those that were active")
    guest = debugged_guest(
        bench,
        "replaced",
        {"event": "none", "iotype": "write", "sector": 0},
        {"event": "pwritev_zero", "iotype": "write-zeroes", "sector": 8},
    )
    guest.write(0, 512, 1)
    guest.write(512, 512, 1)
    guest.zero(4 * KIB, 512)
    guest.write(0, 512, 1)
    bench.note("a flush is in no sector, and nothing is to be flushed at first")
    guest = debugged_guest(bench, "sector", {"event": "none", "sector": 0})
    guest.flush()
    guest.write(0, 512, 1)
    guest.write(512, 512, 1)
    guest.flush()
    guest = debugged_guest(bench, "flush", {"event": "none", "iotype": "flush", "once": True, "errno": 28})
    guest.flush()
    guest.write(0, 512, 1)
    guest.flush()
    guest.flush()
    bench.note("the first rule that matches counts, also if it lets the request pass")
    rule = {"event": "none", "iotype": "write"}
    guest = debugged_guest(bench, "pass", rule | {"errno": 0}, rule | {"errno": 5})
    guest.write(0, 512, 1)
    bench.note("states: the second flush fails, once")
    states = [
        {"event": "flush_to_disk", "state": 1, "new_state": 2},
        {"event": "flush_to_disk", "state": 2, "new_state": 3},
        {"event": "flush_to_disk", "state": 1, "new_state": 7},
    ]
    error = {"event": "flush_to_disk", "state": 2, "iotype": "flush", "once": True}
    debug(bench, "states", error, states=states)
    guest = bench.guest(bench.node("above-states", "raw", file="states"))
    for _ in range(3):
        guest.write(0, 512, 1)
        guest.flush()
    bench.note("who tells of writes: raw does, also through raw, a guest and other filters do not")
    debug(bench, "below-raw", WRITE_FAILS)
    bench.guest(bench.node("raw", "raw", file=bench.node("inner", "raw", file="below-raw"))).write(0, 512, 1)
    debugged_guest(bench, "below-guest", WRITE_FAILS).write(0, 512, 1)
    debug(bench, "below-throttle", WRITE_FAILS)
    slow = bench.node("slow", "throttle", file="below-throttle", throttle_group="group")
    bench.guest(bench.node("above-slow", "raw", file=slow)).write(0, 512, 1)


def debug(bench: Bench, name: str, *errors: dict[str, Any], states: list[dict[str, Any]] | None = None) -> str:
    disk = bench.disk(f"disk-{name}", 1 * MIB)
    options = {"image": disk.name, "inject_error": list(errors)} | ({"set_state": states} if states else {})
    return bench.node(name, "blkdebug", **options)


def debugged_guest(bench: Bench, name: str, *errors: dict[str, Any]) -> Guest:
    return bench.guest(debug(bench, name, *errors))
