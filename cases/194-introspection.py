"""194-introspection: a program describes the commands and events of jobs as they are, and knows all that it describes.

Types are resolved: an enumeration is its values, an object its members, and a question mark stands behind what is
optional. Arguments and values that came or went between versions are left out.

Groups: qmp quick
Source: QA-01, QD-06, QV-8, QQ-1, QQ-2
"""

from collections.abc import Iterator, Set
from typing import Any

from harness import filters
from harness.bench import Bench

COMMANDS = (
    *("blockdev-mirror", "block-commit", "blockdev-del"),
    *(f"block-job-{verb}" for verb in ("cancel", "pause", "resume", "set-speed", "complete", "finalize", "dismiss")),
    *(f"job-{verb}" for verb in ("cancel", "pause", "resume", "complete", "finalize", "dismiss")),
    *("query-jobs", "query-block-jobs", "query-commands", "qmp_capabilities"),
)
EVENTS = (
    "JOB_STATUS_CHANGE",
    *(f"BLOCK_JOB_{word}" for word in ("READY", "PENDING", "COMPLETED", "CANCELLED", "ERROR")),
)
NOT_EVERYWHERE = {"target-is-zero", "actively-synced", "backing-mask-protocol"}
VALUES_NOT_EVERYWHERE = {"write-async", "read-write-blocking", "snapshot-load", "snapshot-save", "snapshot-delete"}


def run(bench: Bench) -> None:
    types = {entry["name"]: entry for entry in bench.query("query-qmp-schema")}
    for command in COMMANDS:
        entry = types[command]
        # Up to 8.2 the type of a block job was a string.
        left_out = {"type"} if command == "query-block-jobs" else set()
        returns = describe(types, entry["ret-type"], left_out)
        bench.say(f"{command}: {describe(types, entry['arg-type'])} -> {returns}")
    for event in EVENTS:
        bench.say(f"event {event}: {describe(types, types[event]['arg-type'])}")
    known = {command["name"] for command in bench.query("query-commands")}
    bench.say(f"of these commands are not there: {sorted(set(COMMANDS) - known)}")
    bench.say(f"commands that are there and not described: {sorted(known - types.keys())}")
    missing = {name for entry in types.values() for name in used(entry)} - types.keys()
    bench.say(f"types that are used and not described: {sorted(missing)}")
    for command in ("query-commands", "query-jobs", "query-block-jobs"):
        bench.execute(command, bogus=1)


def describe(types: dict[str, Any], name: str, left_out: Set[str] = frozenset()) -> str:
    """A type in words."""
    entry = types[name]
    match entry["meta-type"]:
        case "builtin":
            return str(entry["json-type"])
        case "array":
            return f"[{describe(types, entry['element-type'], left_out)}]"
        case "enum":
            values = entry.get("values") or [member["name"] for member in entry["members"]]
            return "|".join(sorted(set(values) - VALUES_NOT_EVERYWHERE))
        case "object":
            members = sorted(
                f"{member['name']}{'?' if 'default' in member else ''}: {describe(types, member['type'])}"
                for member in entry["members"]
                if member["name"] not in NOT_EVERYWHERE | left_out
            )
            return filters.canonical(members)
    return str(entry["meta-type"])


def used(entry: dict[str, Any]) -> Iterator[str]:
    """The types that a type is made of."""
    yield from (entry[key] for key in ("arg-type", "ret-type", "element-type") if key in entry)
    for member in entry.get("members", ()):
        if "type" in member:
            yield member["type"]
    yield from (variant["type"] for variant in entry.get("variants", ()))
