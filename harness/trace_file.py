"""Reads the trace of a run, as ``harness.trace`` wrote it; docs/file-formats.md lists its entries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError

TRACE_FILE = "trace.jsonl"
FORMAT = 1

Entry = list[Any]


def read(path: Path) -> list[Entry]:
    """Return the entries of a trace, without the first, which says what it is; a cut last line is left out.

    :raise UsageError: when it cannot be read or is no trace.
    """
    try:
        *whole, _ = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    entries: list[Entry] = []
    for number, line in enumerate(whole, 1):
        try:
            entry = msgspec.json.decode(line, type=list[Any])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: line {number} is no entry of a trace: {error}") from error
        if not entry or not isinstance(entry[0], str):
            raise UsageError(f"{path}: line {number} does not say what it is")
        entries.append(entry)
    if entries and entries[0] != ["trace", FORMAT]:
        raise UsageError(f"{path} is no trace of format {FORMAT}")
    return entries[1:]
