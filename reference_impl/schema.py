"""The QMP schema that the reference offers, as data in one place.

It decodes the arguments of commands, says which commands exist, and is what `query-qmp-schema` shows. Names, order of
members (arguments are checked in that order) and types are QEMU's; a trailing ``?`` marks an optional member.

Source: facts 5a to 5e.
"""

from __future__ import annotations

from typing import Any

Members = dict[str, str]
"""Member name, with a trailing ``?`` if it is optional, to the name of its type."""

INTEGER_TYPES = frozenset({"int", "int64", "uint64", "size", "uint32", "uint16", "uint8", "int32", "int16", "int8"})

BUILTIN_TYPES: dict[str, str] = {
    "str": "string",
    "bool": "boolean",
    "number": "number",
    "null": "null",
    "any": "value",
} | dict.fromkeys(INTEGER_TYPES, "int")

ENUMS: dict[str, tuple[str, ...]] = {
    "JobStatus": (
        "undefined",
        "created",
        "running",
        "paused",
        "ready",
        "standby",
        "waiting",
        "pending",
        "aborting",
        "concluded",
        "null",
    ),
    "JobType": ("commit", "stream", "mirror", "backup", "create", "amend", "snapshot-load"),
    "MirrorSyncMode": ("top", "full", "none", "incremental", "bitmap"),
    "MirrorCopyMode": ("background", "write-blocking"),
    "BlockdevOnError": ("report", "ignore", "enospc", "stop", "auto"),
    "BlockErrorAction": ("ignore", "report", "stop"),
    "IoOperationType": ("read", "write"),
    "BlockDeviceIoStatus": ("ok", "failed", "nospace"),
}

STRUCTS: dict[str, Members] = {
    "BlockJobInfo": {
        "type": "JobType",
        "device": "str",
        "len": "int",
        "offset": "int",
        "busy": "bool",
        "paused": "bool",
        "speed": "int",
        "io-status": "BlockDeviceIoStatus",
        "ready": "bool",
        "status": "JobStatus",
        "auto-finalize": "bool",
        "auto-dismiss": "bool",
        "error?": "str",
        "actively-synced?": "bool",
    },
    "JobInfo": {
        "id": "str",
        "type": "JobType",
        "status": "JobStatus",
        "current-progress": "int",
        "total-progress": "int",
        "error?": "str",
    },
    "BlockDirtyInfo": {
        "name?": "str",
        "count": "int",
        "granularity": "uint32",
        "recording": "bool",
        "busy": "bool",
        "persistent": "bool",
        "inconsistent?": "bool",
    },
    "BlockDeviceInfo": {
        "node-name?": "str",
        "drv": "str",
        "ro": "bool",
        "dirty-bitmaps?": "[BlockDirtyInfo]",
    },
    "CommandInfo": {"name": "str"},
    "VersionTriple": {"major": "int", "minor": "int", "micro": "int"},
    "VersionInfo": {"qemu": "VersionTriple", "package": "str"},
}

_JOB_ID: Members = {"id": "str"}
_DEVICE: Members = {"device": "str"}

COMMANDS: dict[str, tuple[Members, str | None]] = {
    # command: (arguments in the order in which they are checked, type of what it returns)
    "qmp_capabilities": ({"enable?": "[str]"}, None),
    "query-version": ({}, "VersionInfo"),
    "query-commands": ({}, "[CommandInfo]"),
    "query-qmp-schema": ({}, "[any]"),
    "query-named-block-nodes": ({"flat?": "bool"}, "[BlockDeviceInfo]"),
    "query-jobs": ({}, "[JobInfo]"),
    "query-block-jobs": ({}, "[BlockJobInfo]"),
    "blockdev-mirror": (
        {
            "job-id?": "str",
            "device": "str",
            "target": "str",
            "replaces?": "str",
            "sync": "MirrorSyncMode",
            "speed?": "int",
            "granularity?": "uint32",
            "buf-size?": "int",
            "on-source-error?": "BlockdevOnError",
            "on-target-error?": "BlockdevOnError",
            "filter-node-name?": "str",
            "copy-mode?": "MirrorCopyMode",
            "auto-finalize?": "bool",
            "auto-dismiss?": "bool",
            "target-is-zero?": "bool",
        },
        None,
    ),
    "block-job-set-speed": ({"device": "str", "speed": "int"}, None),
    "block-job-cancel": ({"device": "str", "force?": "bool"}, None),
    "block-job-pause": (_DEVICE, None),
    "block-job-resume": (_DEVICE, None),
    "block-job-complete": (_DEVICE, None),
    "block-job-finalize": (_JOB_ID, None),
    "block-job-dismiss": (_JOB_ID, None),
    "block-job-change": ({"id": "str", "type": "JobType", "copy-mode": "MirrorCopyMode"}, None),
    "job-pause": (_JOB_ID, None),
    "job-resume": (_JOB_ID, None),
    "job-cancel": (_JOB_ID, None),
    "job-complete": (_JOB_ID, None),
    "job-finalize": (_JOB_ID, None),
    "job-dismiss": (_JOB_ID, None),
}

_BLOCK_JOB_EVENT: Members = {"type": "JobType", "device": "str", "len": "int", "offset": "int", "speed": "int"}

EVENTS: dict[str, Members] = {
    "JOB_STATUS_CHANGE": {"id": "str", "status": "JobStatus"},
    "BLOCK_JOB_READY": _BLOCK_JOB_EVENT,
    "BLOCK_JOB_COMPLETED": _BLOCK_JOB_EVENT | {"error?": "str"},
    "BLOCK_JOB_CANCELLED": _BLOCK_JOB_EVENT,
    "BLOCK_JOB_ERROR": {"device": "str", "operation": "IoOperationType", "action": "BlockErrorAction"},
    "BLOCK_JOB_PENDING": {"type": "JobType", "id": "str"},
}


def element_type(type_name: str) -> str | None:
    """The type of an array's elements (``[str]``), or None if the type is no array."""
    return type_name[1:-1] if type_name.startswith("[") else None


def introspection() -> list[dict[str, Any]]:
    """What `query-qmp-schema` returns: commands and events by name, with the types that they use."""
    entries: list[dict[str, Any]] = []
    used: list[str] = []

    def use(type_name: str) -> str:
        if type_name not in used:
            used.append(type_name)
        return type_name

    def members(fields: Members) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = []
        for name, type_name in fields.items():
            member: dict[str, Any] = {"name": name.removesuffix("?"), "type": use(type_name)}
            if name.endswith("?"):
                member["default"] = None
            result.append(member)
        return result

    def members_object(owner: str, fields: Members) -> str:
        entries.append({"name": owner, "meta-type": "object", "members": members(fields)})
        return owner

    for command, (arguments, returns) in COMMANDS.items():
        entries.append(
            {
                "name": command,
                "meta-type": "command",
                "arg-type": members_object(f"q_obj_{command}-arg", arguments),
                "ret-type": use(returns) if returns else members_object(f"q_obj_{command}-ret", {}),
            }
        )
    for event, fields in EVENTS.items():
        entries.append({"name": event, "meta-type": "event", "arg-type": members_object(f"q_obj_{event}-arg", fields)})
    for type_name in used:  # grows while it is walked: members use further types
        element = element_type(type_name)
        if element is not None:
            entries.append({"name": type_name, "meta-type": "array", "element-type": use(element)})
        elif type_name in ENUMS:
            values = list(ENUMS[type_name])
            entries.append(
                {
                    "name": type_name,
                    "meta-type": "enum",
                    "members": [{"name": value} for value in values],
                    "values": values,
                }
            )
        elif type_name in STRUCTS:
            members_object(type_name, STRUCTS[type_name])
        else:
            entries.append({"name": type_name, "meta-type": "builtin", "json-type": BUILTIN_TYPES[type_name]})
    return entries
