"""Puts beside a run's transcript what a person needs to understand its verdict.

The folder of a run that did not pass holds ``transcript.out``, ``golden.out`` (what was expected), ``diff.txt`` and
``record.json``, next to whatever the worker left there. The folder of one that passed holds nothing worth keeping.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.golden import Golden
from harness.records import Record, Verdict

TRANSCRIPT_FILE = "transcript.out"
GOLDEN_FILE = "golden.out"
DIFF_FILE = "diff.txt"
RECORD_FILE = "record.json"

#: Verdicts after which nobody looks into the folder.
UNREMARKABLE = frozenset({Verdict.PASS, Verdict.KNOWN, Verdict.SKIP})


def write(record: Record, expected: Golden | None) -> None:
    """Write the files about one record into its run's folder; a run without a folder has none.

    :raise UsageError: when the folder cannot be written, naming it and the reason.
    """
    if not record.run.folder:
        return
    folder = Path(record.run.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The worker's own file may hold less (it died) or more (its last line was cut): this is what was judged.
        (folder / TRANSCRIPT_FILE).write_bytes(record.run.transcript.encode("utf-8"))
        if expected is not None:
            (folder / GOLDEN_FILE).write_bytes(expected.text.encode("utf-8"))
        if record.diff:
            (folder / DIFF_FILE).write_bytes("".join(f"{line}\n" for line in record.diff).encode("utf-8"))
        (folder / RECORD_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(record)) + b"\n")
    except OSError as error:
        raise UsageError(f"cannot write {error.filename or folder}: {error.strerror}") from error


def discard(record: Record) -> None:
    """Remove the folder of a run that left nothing to look at."""
    if record.run.folder:
        shutil.rmtree(record.run.folder, ignore_errors=True)
