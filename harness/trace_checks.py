"""What must hold for the trace of every run, whatever the case: checked when a stored run is analyzed.

These rules need no golden: each thing ends once, after it began, and a job goes only from a state to one that may
follow it. They are stated here on their own, so that they also judge the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.trace_file import Entry

#: Which state of a job may follow which (QS-01 to QS-10); "" is before its first.
MAY_FOLLOW: dict[str, frozenset[str]] = {
    "": frozenset({"created"}),
    "created": frozenset({"running", "aborting", "null"}),
    "running": frozenset({"paused", "ready", "waiting", "aborting"}),
    "paused": frozenset({"running"}),
    "ready": frozenset({"standby", "waiting", "aborting"}),
    "standby": frozenset({"ready"}),
    "waiting": frozenset({"pending", "aborting"}),
    "pending": frozenset({"aborting", "concluded"}),
    "aborting": frozenset({"aborting", "concluded"}),
    "concluded": frozenset({"null"}),
    "null": frozenset({"created"}),  # another job of the same name
}


def violations(entries: Sequence[Entry]) -> list[str]:
    """Return a line for each rule that is broken, in order. Entries of an unknown kind are passed over.

    What comes after a trace was cut off for its length is not known, and nothing is said about it.
    """
    found: list[str] = []
    open_things: set[tuple[Any, ...]] = set()
    states: dict[str, str] = {}
    for entry in entries:
        match entry:
            case ["cut", *_]:
                break
            case ["storage", str(disk), int(index), *_]:
                open_things.add(("request", disk, index))
            case ["storage-end", str(disk), int(index), *_]:
                _end(("request", disk, index), f"request {index} of {disk}", open_things, found)
            case ["guest" | "command" as kind, int(number), *_]:
                open_things.add((kind, number))
            case ["guest-end" | "command-end" as kind, int(number), *_]:
                name = kind.removesuffix("-end")
                _end((name, number), f"{name} request {number}", open_things, found)
            case ["event", "JOB_STATUS_CHANGE", str(job), str(state)]:
                before = states.get(job, "")
                if state not in MAY_FOLLOW.get(before, frozenset()):
                    where = f"'{before}'" if before else "nothing"
                    found.append(f"job {job} goes from {where} to '{state}'")
                states[job] = state
    return found


def _end(key: tuple[Any, ...], name: str, open_things: set[tuple[Any, ...]], found: list[str]) -> None:
    if key in open_things:
        open_things.remove(key)
    else:
        found.append(f"{name} ended and was not under way")
