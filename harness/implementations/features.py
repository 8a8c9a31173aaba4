"""Features: what an implementation offers, read from its own `query-qmp-schema` and never from its version.

A feature is a word. For a schema they are

- ``block-job-change``: there is such a command; ``BLOCK_JOB_READY``: there is such an event;
- ``blockdev-mirror.target-is-zero``: the command has that argument;
- ``copy-mode=write-blocking``: some command has an argument of that name that takes the value;
- ``query-block-jobs:actively-synced``: what the command returns can have that member;
- ``blockdev-mirror+both-children``: the command is marked with that feature of its own, as schemas mark behaviour that
  arguments do not show.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any


def features_of_schema(entries: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """All features that the reply to `query-qmp-schema` shows."""
    types = {entry["name"]: entry for entry in entries}
    return frozenset(_features(types, entries))


REFERENCE = "mirrorcheck reference"
"""What the reference calls its package, in its reply to `query-version`."""


def program_of(version: Mapping[str, Any], features: Collection[str]) -> str:
    """Which program it is that a reply to `query-version` and the features are of, as deviations name it."""
    if REFERENCE in version["package"]:
        return "reference"
    return "qemu-system-x86_64" if "human-monitor-command" in features else "qemu-storage-daemon"


def _features(types: Mapping[str, Mapping[str, Any]], entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for entry in entries:
        if entry["meta-type"] == "event":
            yield entry["name"]
        if entry["meta-type"] != "command":
            continue
        command = entry["name"]
        yield command
        for feature in entry.get("features", ()):
            yield f"{command}+{feature}"
        for member in types[entry["arg-type"]].get("members", ()):
            yield f"{command}.{member['name']}"
            for value in _enum_values(types[member["type"]]):
                yield f"{member['name']}={value}"
        for name in _members(types, entry["ret-type"]):
            yield f"{command}:{name}"


def _enum_values(entry: Mapping[str, Any]) -> Sequence[str]:
    # Up to 6.1 only `values`, since 6.2 also `members` with further information.
    if entry["meta-type"] != "enum":
        return ()
    values: Sequence[str] = entry.get("values") or [member["name"] for member in entry["members"]]
    return values


def _members(types: Mapping[str, Mapping[str, Any]], type_name: str) -> Iterator[str]:
    """Names of the members of an object, its variants, and the elements of an array of objects; not of nested ones."""
    entry = types[type_name]
    if entry["meta-type"] == "array":
        entry = types[entry["element-type"]]
    if entry["meta-type"] != "object":
        return
    for member in entry["members"]:
        yield member["name"]
    for variant in entry.get("variants", ()):
        for member in types[variant["type"]].get("members", ()):
            yield member["name"]
