"""What a run tells: on the terminal, and in files for other programs.

A reporter is told of the start, of each record as it comes, and of the end. What it writes for a record is written
before the next one starts, so that a run that is killed has lost nothing of what it knew.
"""

from __future__ import annotations

import os
import sys
import tempfile
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from harness.errors import UsageError
from harness.records import Record, Verdict

STANDARD_OUTPUT = "-"

#: Verdicts that count as passed.
PASSING = frozenset({Verdict.PASS, Verdict.KNOWN})


class Reporter(Protocol):
    """One way to tell of a run."""

    def start(self, total_count: int) -> None:
        """Begin; ``total_count`` records are to come unless the run is interrupted."""

    def record(self, record: Record) -> None:
        """Tell of one record."""

    def finish(self, records: Sequence[Record], *, interrupted: bool) -> None:
        """End, also after an interruption."""

    def close(self) -> None:
        """Release files and the terminal. May be called without ``finish``, and twice."""


def visible(text: str) -> str:
    """Return ``text`` with everything that a terminal or an XML parser would not show replaced by escapes.

    A transcript is written by the program under test: it must not be able to move the cursor, to reorder what stands
    beside it, or to make a report unreadable. Line feeds and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _is_shown(character) else _escape(character) for character in text)


def _is_shown(character: str) -> bool:
    if character in "\n\t":
        return True
    # Control, format (which reorders), surrogate, private use, unassigned, line and paragraph separator.
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def summary(records: Sequence[Record]) -> str:
    """Return how many records there are of each verdict that occurs: ``7 passed, 1 failed, 2 skipped``."""
    names = {
        Verdict.PASS: "passed",
        Verdict.KNOWN: "known deviations",
        Verdict.FAIL: "failed",
        Verdict.BROKEN: "broken",
        Verdict.UNAVAILABLE: "unavailable",
        Verdict.UNDECIDED: "undecided",
        Verdict.SKIP: "skipped",
    }
    parts = []
    for verdict, name in names.items():
        count = sum(record.verdict is verdict for record in records)
        if count:
            parts.append(f"{count} {'known deviation' if verdict is Verdict.KNOWN and count == 1 else name}")
    return ", ".join(parts) or "nothing ran"


def open_stream(path: str) -> BinaryIO:
    """Open a report that grows while the run goes on; "-" is standard output.

    :raise UsageError: when it cannot be written.
    """
    try:
        if path == STANDARD_OUTPUT:
            sys.stdout.flush()
            return open(os.dup(sys.stdout.fileno()), "wb", buffering=0)
        return open(path, "wb", buffering=0)
    except OSError as error:
        raise cannot_write(path, error) from error


def write_stream(stream: BinaryIO, path: str, text: str) -> None:
    """Write to such a report, all of it and at once.

    :raise UsageError: when the disk is full or the like.
    :raise BrokenPipeError: when it is a pipe that nobody reads any more.
    """
    data = memoryview(text.encode("utf-8", "backslashreplace"))
    try:
        while data:
            data = data[stream.write(data) :]
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error


def check_writable(path: str) -> None:
    """Check before a long run that a report which is written after it can be written.

    :raise UsageError: when it cannot.
    """
    try:
        is_new = not os.path.lexists(path)
        with open(path, "ab"):
            pass
        if is_new:  # a run that is killed must not leave an empty report that looks like a finished one
            os.unlink(path)
    except OSError as error:
        raise cannot_write(path, error) from error


def replace_file(path: str, data: bytes) -> None:
    """Write a report in one step: a reader finds the old one or the whole new one.

    :raise UsageError: when it cannot be written.
    """
    target = Path(path)
    try:
        if target.exists() and not target.is_file():  # /dev/stdout, a named pipe: there is nothing to replace
            target.write_bytes(data)
            return
        target = target.resolve()  # a symbolic link stays one
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                os.fchmod(file.fileno(), 0o644)
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except BrokenPipeError:
        raise
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: str, error: OSError) -> UsageError:
    """Return the error for a report that cannot be written; it names the report and the reason."""
    name = "standard output" if path == STANDARD_OUTPUT else path
    return UsageError(f"cannot write {name}: {error.strerror or error}")
