"""The report for a test harness that reads TAP 13 (Test Anything Protocol).

A known deviation is ``not ok`` with the directive TODO, which is what TODO means: it is run, it fails, and that does
not count. A run that broke off says "Bail out!".

Source: TAP version 13 specification, testanything.org.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from harness.records import Record, Verdict
from harness.report import PASSING, open_stream, visible, write_stream


class TapReporter:
    """Writes TAP to a file, or to standard output for "-"."""

    def __init__(self, path: str) -> None:
        """Open the file; what it held before is gone.

        :raise UsageError: when it cannot be written.
        """
        self._path = path
        self._stream = open_stream(path)
        self._number = 0

    def start(self, total_count: int) -> None:
        """Write the version and the plan."""
        self._write(f"TAP version 13\n1..{total_count}\n")

    def record(self, record: Record) -> None:
        """Write one test line, and why it is not ok."""
        self._number += 1
        self._write("".join(f"{line}\n" for line in _lines(self._number, record)))

    def finish(self, records: Sequence[Record], *, interrupted: bool) -> None:
        """Say so when records are missing because the run was interrupted."""
        if interrupted:
            self._write("Bail out! interrupted\n")

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _write(self, text: str) -> None:
        write_stream(self._stream, self._path, text)


def _lines(number: int, record: Record) -> list[str]:
    description = f"{number} - {_plain(record.case)} {_plain(record.implementation)}"
    if record.verdict is Verdict.SKIP:
        return [f"ok {description} # SKIP {_plain(record.reason)}"]
    if record.verdict is Verdict.KNOWN:
        return [f"not ok {description} # TODO known deviation: {_plain(record.reason)}"]
    if record.verdict in PASSING:
        return [f"ok {description}"]
    fields: dict[str, object] = {
        "verdict": record.verdict.value,
        "status": record.run.status.value,
        "reason": record.reason,
        "version": record.run.version,
        "folder": record.run.folder,
        "repeat": record.repeat_command,
        "diff": record.diff,
        "detail": record.run.detail.splitlines(),
    }
    lines = [f"not ok {description}", "  ---"]
    # JSON is YAML, and needs no thought about what YAML would make of a transcript's lines.
    lines += [f"  {name}: {json.dumps(value)}" for name, value in fields.items() if value]
    return [*lines, "  ..."]


def _plain(text: str) -> str:
    """Return text that cannot be taken for a directive or for another line."""
    return visible(text).replace("\\", "\\\\").replace("#", "\\#").replace("\n", " ")
