"""Where what a run leaves is kept: one folder for each case and implementation, and a short scratch folder.

::

    RESULTS/reference/310-active-writes/    the artefact folder: everything about one run
        transcript.out                      what the case printed, written line by line as it came
        trace.jsonl                         what happened on the bench, see harness.trace
        stdout, stderr                      what the case and its children wrote elsewhere; only when they did
        artefacts/                          what the case put into the folder of that name in its scratch folder

Unix sockets live in the scratch folder, because their paths are limited to 108 bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path

from harness.errors import UsageError

TRANSCRIPT = "transcript.out"
STDOUT = "stdout"
STDERR = "stderr"
ARTEFACTS = "artefacts"

#: What a later run of the same case replaces; whatever else is in the folder belongs to somebody else.
_OURS = (TRANSCRIPT, STDOUT, STDERR, ARTEFACTS, "golden.out", "diff.txt", "record.json", "trace.jsonl")

#: Longest scratch path: leaves 60 of a socket path's 108 bytes to those who use the folder.
SCRATCH_PATH_BYTES_MAX = 48


def slug(specification: str) -> str:
    """A folder name for an implementation's spec: the same for the same spec, and another for another one.

    Source: the project's own rule. Only a spec that is no plain name gets a digest appended.
    """
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", specification).strip("-.")
    if plain == specification:
        return plain
    return f"{plain[-60:].lstrip('-.')}-{hashlib.sha256(specification.encode()).hexdigest()[:8]}"


def make_artefact_folder(results: Path, implementation: str, case_id: str) -> Path:
    """Make the artefact folder of one run, empty of what an earlier run left there.

    :raise UsageError: when it cannot be made; the text names the path and the reason.
    """
    folder = results / slug(implementation) / case_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _OURS:
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write results to {folder}: {error.strerror}") from error
    return folder


def make_scratch_root() -> Path:
    """Make the temporary folder that holds the scratch folders of one supervisor.

    :raise UsageError: when no temporary folder can be made.
    """
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) + len("/mirrorcheck-12345678/w123") > SCRATCH_PATH_BYTES_MAX:
        parent = "/tmp"
    try:
        return Path(tempfile.mkdtemp(prefix="mirrorcheck-", dir=parent))
    except OSError as error:
        raise UsageError(f"cannot make a temporary folder in {parent}: {error.strerror}") from error


def read_transcript(folder: Path) -> str:
    """What the case printed as far as it came; "" when it never began.

    Bytes that are not UTF-8 (only a case that reaches around the transcript writes them) are shown as ``\\xNN``.
    """
    try:
        return (folder / TRANSCRIPT).read_bytes().decode("utf-8", "backslashreplace")
    except FileNotFoundError:
        return ""
