"""The QMP schema that the reference offers, as data in one place.

It decodes the arguments of commands, checks what they return and what events carry, says which commands exist, and is
what `query-qmp-schema` shows. Names, order of members (arguments are checked in that order) and types are QEMU's. In
these tables a trailing ``?`` marks an optional member, ``[T]`` is an array of T, and ``A|B`` is either a string or an
object.

Source: facts 5a to 5e.
"""

from __future__ import annotations

Members = dict[str, str]
"""Member name, with a trailing ``?`` if it is optional, to the name of its type."""

CommandTable = dict[str, tuple[Members | str, str | None]]
"""Command to its arguments (members, or the name of a type whose members they are) and the type of what it returns."""

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
    "MirrorCopyMode": ("background", "write-blocking", "write-async", "read-write-blocking"),
    "NewImageMode": ("existing", "absolute-paths"),
    "BlockdevDriver": ("blkdebug", "copy-on-read", "file", "nbd", "null-co", "qcow2", "quorum", "raw", "throttle"),
    "BlockdevDiscardOptions": ("ignore", "unmap"),
    "SocketAddressType": ("unix",),
    "BlockExportType": ("nbd",),
    "BlockExportRemoveMode": ("safe", "hard"),
    "BlockPermission": ("consistent-read", "write", "write-unchanged", "resize"),
    "XDbgBlockGraphNodeType": ("block-backend", "block-job", "block-driver"),
    "BlkdebugEvent": ("read_aio", "write_aio", "flush_to_os", "flush_to_disk", "pwritev", "pwritev_zero", "none"),
    "BlkdebugIOType": ("read", "write", "write-zeroes", "discard", "flush", "block-status"),
    "QuorumOpType": ("read", "write", "flush"),
    "ObjectType": ("throttle-group",),
    "BlockdevDetectZeroesOptions": ("off", "on", "unmap"),
    "QMPCapability": ("oob",),
    "BlockdevOnError": ("report", "ignore", "enospc", "stop", "auto"),
    "BlockErrorAction": ("ignore", "report", "stop"),
    "IoOperationType": ("read", "write"),
    "BlockDeviceIoStatus": ("ok", "failed", "nospace"),
}

UNSTABLE: frozenset[str] = frozenset({"job-change", "write-async", "read-write-blocking"})
"""Commands and enum values that QEMU has not, and that may change: they bear the feature ``unstable``."""

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
    "ImageInfo": {
        "filename": "str",
        "format": "str",
        "virtual-size": "int",
        "backing-image?": "ImageInfo",
    },
    "BlockdevCacheInfo": {"writeback": "bool", "direct": "bool", "no-flush": "bool"},
    "BlockDeviceInfo": {
        "file": "str",
        "node-name?": "str",
        "ro": "bool",
        "drv": "str",
        "backing_file?": "str",
        "backing_file_depth": "int",
        "encrypted": "bool",
        "detect_zeroes": "BlockdevDetectZeroesOptions",
        "bps": "int",
        "bps_rd": "int",
        "bps_wr": "int",
        "iops": "int",
        "iops_rd": "int",
        "iops_wr": "int",
        "image": "ImageInfo",
        "cache": "BlockdevCacheInfo",
        "write_threshold": "int",
        "dirty-bitmaps?": "[BlockDirtyInfo]",
    },
    "BlockInfo": {
        "device": "str",
        "type": "str",
        "removable": "bool",
        "locked": "bool",
        "inserted?": "BlockDeviceInfo",
        "io-status?": "BlockDeviceIoStatus",
        "qdev?": "str",
        "tray_open?": "bool",
    },
    "BlockStats": {
        "device?": "str",
        "qdev?": "str",
        "node-name?": "str",
        "parent?": "BlockStats",
        "backing?": "BlockStats",
    },
    "BlockDirtyBitmap": {"node": "str", "name": "str"},
    "BlockDirtyBitmapSha256": {"sha256": "str"},
    "BlockExportInfo": {"id": "str", "type": "BlockExportType", "node-name": "str", "shutting-down": "bool"},
    "CommandInfo": {"name": "str"},
    "EventInfo": {"name": "str"},
    "BlockdevCacheOptions": {"direct?": "bool", "no-flush?": "bool"},
    "BlockdevOptionsFile": {"filename": "str"},
    "BlockdevOptionsNbd": {"server": "SocketAddress", "export?": "str", "reconnect-delay?": "uint32"},
    "BlockdevOptionsNull": {"size?": "int", "latency-ns?": "uint64", "read-zeroes?": "bool"},
    "BlockdevOptionsRaw": {"file": "str|BlockdevOptions", "offset?": "int", "size?": "int"},
    "BlockdevOptionsQcow2": {"file": "str|BlockdevOptions", "backing?": "str|BlockdevOptions|null"},
    "BlockdevOptionsQuorum": {"children": "[str|BlockdevOptions]", "vote-threshold": "int"},
    "BlockdevOptionsCor": {"file": "str|BlockdevOptions", "bottom?": "str"},
    "BlockdevOptionsBlkdebug": {
        "image": "str|BlockdevOptions",
        "inject-error?": "[BlkdebugInjectErrorOptions]",
        "set-state?": "[BlkdebugSetStateOptions]",
        "take-child-perms?": "[BlockPermission]",
        "unshare-child-perms?": "[BlockPermission]",
    },
    "BlkdebugInjectErrorOptions": {
        "event": "BlkdebugEvent",
        "state?": "int",
        "iotype?": "BlkdebugIOType",
        "errno?": "int",
        "sector?": "int",
        "once?": "bool",
        "immediately?": "bool",
    },
    "BlkdebugSetStateOptions": {"event": "BlkdebugEvent", "state?": "int", "new_state": "int"},
    "XDbgBlockGraph": {"nodes": "[XDbgBlockGraphNode]", "edges": "[XDbgBlockGraphEdge]"},
    "XDbgBlockGraphNode": {"id": "uint64", "type": "XDbgBlockGraphNodeType", "name": "str"},
    "XDbgBlockGraphEdge": {
        "parent": "uint64",
        "child": "uint64",
        "name": "str",
        "perm": "[BlockPermission]",
        "shared-perm": "[BlockPermission]",
    },
    "BlockdevOptionsThrottle": {"throttle-group": "str", "file": "str|BlockdevOptions"},
    "BlockJobChangeOptionsMirror": {"copy-mode": "MirrorCopyMode"},
    "UnixSocketAddress": {"path": "str"},
    "UnixSocketAddressWrapper": {"data": "UnixSocketAddress"},
    "BlockExportOptionsNbd": {
        "name?": "str",
        "description?": "str",
        "bitmaps?": "[str|BlockDirtyBitmap]",
    },
    "NbdServerOptions": {"addr": "SocketAddress"},
    "ThrottleGroupProperties": {"limits?": "ThrottleLimits"},
    "ThrottleLimits": {
        f"{kind}-{direction}{burst}?": "int"
        for kind in ("iops", "bps")
        for direction in ("total", "read", "write")
        for burst in ("", "-max", "-max-length")
    }
    | {"iops-size?": "int"},
    "VersionTriple": {"major": "int", "minor": "int", "micro": "int"},
    "VersionInfo": {"qemu": "VersionTriple", "package": "str"},
}

UNIONS: dict[str, tuple[Members, str, dict[str, str]]] = {
    # union: (members that all branches have, which of them names the branch, type of each branch's own members)
    "BlockdevOptions": (
        {
            "driver": "BlockdevDriver",
            "node-name?": "str",
            "discard?": "BlockdevDiscardOptions",
            "cache?": "BlockdevCacheOptions",
            "read-only?": "bool",
        },
        "driver",
        {
            "file": "BlockdevOptionsFile",
            "nbd": "BlockdevOptionsNbd",
            "null-co": "BlockdevOptionsNull",
            "raw": "BlockdevOptionsRaw",
            "qcow2": "BlockdevOptionsQcow2",
            "quorum": "BlockdevOptionsQuorum",
            "copy-on-read": "BlockdevOptionsCor",
            "blkdebug": "BlockdevOptionsBlkdebug",
            "throttle": "BlockdevOptionsThrottle",
        },
    ),
    "SocketAddress": ({"type": "SocketAddressType"}, "type", {"unix": "UnixSocketAddress"}),
    "SocketAddressLegacy": ({"type": "SocketAddressType"}, "type", {"unix": "UnixSocketAddressWrapper"}),
    "BlockExportOptions": (
        {"type": "BlockExportType", "id": "str", "node-name": "str", "writable?": "bool"},
        "type",
        {"nbd": "BlockExportOptionsNbd"},
    ),
    "BlockJobChangeOptions": (
        {"id": "str", "type": "JobType"},
        "type",
        {"mirror": "BlockJobChangeOptionsMirror"},
    ),
    "ObjectOptions": (
        {"qom-type": "ObjectType", "id": "str"},
        "qom-type",
        {"throttle-group": "ThrottleGroupProperties"},
    ),
}

ALTERNATES: dict[str, str] = {
    # what is either a string or an object, to the name under which values of other types are refused
    "str|BlockDirtyBitmap": "BlockDirtyBitmapOrStr",
    "str|BlockdevOptions": "BlockdevRef",
    "str|BlockdevOptions|null": "BlockdevRefOrNull",
}

_JOB_ID: Members = {"id": "str"}
_DEVICE: Members = {"device": "str"}

COMMANDS: CommandTable = {
    # command: (arguments in the order in which they are checked, type of what it returns)
    "qmp_capabilities": ({"enable?": "[QMPCapability]"}, None),
    "quit": ({}, None),
    "query-version": ({}, "VersionInfo"),
    "query-commands": ({}, "[CommandInfo]"),
    "query-events": ({}, "[EventInfo]"),
    "query-qmp-schema": ({}, "[any]"),
    "query-block": ({}, "[BlockInfo]"),
    "query-blockstats": ({}, "[BlockStats]"),
    "device_add": ({"driver": "str", "bus?": "str", "id?": "str", "drive?": "str", "share-rw?": "bool"}, None),
    "device_del": ({"id": "str"}, None),
    "query-named-block-nodes": ({"flat?": "bool"}, "[BlockDeviceInfo]"),
    "blockdev-add": ("BlockdevOptions", None),
    "blockdev-del": ({"node-name": "str"}, None),
    "block-dirty-bitmap-add": (
        {"node": "str", "name": "str", "granularity?": "uint32", "persistent?": "bool", "disabled?": "bool"},
        None,
    ),
    "block-dirty-bitmap-remove": ("BlockDirtyBitmap", None),
    "block-dirty-bitmap-clear": ("BlockDirtyBitmap", None),
    "block-dirty-bitmap-enable": ("BlockDirtyBitmap", None),
    "block-dirty-bitmap-disable": ("BlockDirtyBitmap", None),
    "block-dirty-bitmap-merge": ({"node": "str", "target": "str", "bitmaps": "[str|BlockDirtyBitmap]"}, None),
    "x-debug-block-dirty-bitmap-sha256": ("BlockDirtyBitmap", "BlockDirtyBitmapSha256"),
    "blockdev-reopen": ({"options": "[BlockdevOptions]"}, None),
    "blockdev-snapshot": ({"node": "str", "overlay": "str"}, None),
    "block-commit": (
        {
            "job-id?": "str",
            "device": "str",
            "base-node?": "str",
            "base?": "str",
            "top-node?": "str",
            "top?": "str",
            "backing-file?": "str",
            "speed?": "int",
            "on-error?": "BlockdevOnError",
            "filter-node-name?": "str",
            "auto-finalize?": "bool",
            "auto-dismiss?": "bool",
        },
        None,
    ),
    "block-stream": (
        {
            "job-id?": "str",
            "device": "str",
            "base?": "str",
            "base-node?": "str",
            "backing-file?": "str",
            "bottom?": "str",
            "speed?": "int",
            "on-error?": "BlockdevOnError",
            "filter-node-name?": "str",
            "auto-finalize?": "bool",
            "auto-dismiss?": "bool",
        },
        None,
    ),
    "block-export-add": ("BlockExportOptions", None),
    "block-export-del": ({"id": "str", "mode?": "BlockExportRemoveMode"}, None),
    "query-block-exports": ({}, "[BlockExportInfo]"),
    "object-add": ("ObjectOptions", None),
    "object-del": ({"id": "str"}, None),
    "x-debug-query-block-graph": ({}, "XDbgBlockGraph"),
    "block_resize": ({"device?": "str", "node-name?": "str", "size": "int"}, None),
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
    "drive-mirror": (
        {
            "job-id?": "str",
            "device": "str",
            "target": "str",
            "format?": "str",
            "node-name?": "str",
            "replaces?": "str",
            "sync": "MirrorSyncMode",
            "mode?": "NewImageMode",
            "speed?": "int",
            "granularity?": "uint32",
            "buf-size?": "int",
            "on-source-error?": "BlockdevOnError",
            "on-target-error?": "BlockdevOnError",
            "unmap?": "bool",
            "copy-mode?": "MirrorCopyMode",
            "auto-finalize?": "bool",
            "auto-dismiss?": "bool",
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
    "block-job-change": ("BlockJobChangeOptions", None),
    "job-change": (
        {
            "id": "str",
            "type": "JobType",
            "copy-mode?": "MirrorCopyMode",
            "speed?": "int",
            "on-source-error?": "BlockdevOnError",
            "on-target-error?": "BlockdevOnError",
        },
        None,
    ),
    "job-pause": (_JOB_ID, None),
    "job-resume": (_JOB_ID, None),
    "job-cancel": (_JOB_ID, None),
    "job-complete": (_JOB_ID, None),
    "job-finalize": (_JOB_ID, None),
    "job-dismiss": (_JOB_ID, None),
}

SERVER_COMMANDS: CommandTable = {
    # what only a reference with sockets of its own can do
    "nbd-server-start": ({"addr": "SocketAddressLegacy"}, None),
    "nbd-server-stop": ({}, None),
}

_BLOCK_JOB_EVENT: Members = {"type": "JobType", "device": "str", "len": "int", "offset": "int", "speed": "int"}

EVENTS: dict[str, Members] = {
    "JOB_STATUS_CHANGE": {"id": "str", "status": "JobStatus"},
    "BLOCK_JOB_READY": _BLOCK_JOB_EVENT,
    "BLOCK_JOB_COMPLETED": _BLOCK_JOB_EVENT | {"error?": "str"},
    "BLOCK_JOB_CANCELLED": _BLOCK_JOB_EVENT,
    "BLOCK_JOB_ERROR": {"device": "str", "operation": "IoOperationType", "action": "BlockErrorAction"},
    "BLOCK_JOB_PENDING": {"type": "JobType", "id": "str"},
    "BLOCK_EXPORT_DELETED": {"id": "str"},
    "QUORUM_REPORT_BAD": {
        "type": "QuorumOpType",
        "error?": "str",
        "node-name": "str",
        "sector-num": "int",
        "sectors-count": "int",
    },
    "QUORUM_FAILURE": {"reference": "str", "sector-num": "int", "sectors-count": "int"},
    "DEVICE_DELETED": {"device?": "str", "path": "str"},
}


def members_of(type_name: str) -> Members:
    """The members that all values of a struct or union have."""
    return STRUCTS[type_name] if type_name in STRUCTS else UNIONS[type_name][0]


def element_type(type_name: str) -> str | None:
    """The type of an array's elements (``[str]``), or None if the type is no array."""
    return type_name[1:-1] if type_name.startswith("[") else None
