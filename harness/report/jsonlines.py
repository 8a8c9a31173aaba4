"""The report for a program that compares runs: one record a line, as JSON.

Each line is written whole, in one step and at once, so that the file is valid whenever the run is killed: at worst
the last line is missing. ``read`` gives back the very records that were written. After a whole run of the suite, a line
for each implementation says what the run never showed; it has the member ``coverage``, which no record has.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.records import Record
from harness.report import open_stream, write_stream

_COVERAGE_LINE = b'{"coverage":'


class JsonLinesReporter:
    """Writes one JSON object a line to a file, or to standard output for "-"."""

    def __init__(self, path: str) -> None:
        """Open the file; what it held before is gone.

        :raise UsageError: when it cannot be written.
        """
        self._path = path
        self._stream = open_stream(path)

    def start(self, total_count: int) -> None:
        """Write nothing: a file without records is an empty one."""

    def record(self, record: Record) -> None:
        """Append one record."""
        write_stream(self._stream, self._path, msgspec.json.encode(record).decode("utf-8") + "\n")

    def coverage(self, implementation: str, counts: str, unseen: Sequence[str]) -> None:
        """Append what a whole run reached on an implementation, and what it never showed."""
        line = {"coverage": {"implementation": implementation, "seen": counts, "unseen": list(unseen)}}
        write_stream(self._stream, self._path, msgspec.json.encode(line).decode("utf-8") + "\n")

    def finish(self, records: Sequence[Record], *, interrupted: bool) -> None:
        """Write nothing: what there is to know is in the records."""

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def read(path: Path) -> list[Record]:
    """Return the records of such a file. A last line without its end is left out: there a run was killed.

    :raise UsageError: when the file cannot be read or a line is no record.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    records = []
    for index, line in enumerate(data.split(b"\n")[:-1]):
        if line.startswith(_COVERAGE_LINE):
            continue
        try:
            records.append(msgspec.json.decode(line, type=Record))
        except msgspec.MsgspecError as error:
            raise UsageError(f"{path}: line {index + 1} is no record: {error}") from error
    return records
