"""Failures as annotations of lines: GitHub's workflow commands, and GitLab's code quality report.

The line is the first one of the golden that the run did not print: that is what a change of the golden or of the
program makes a reviewer look at.

Source: GitHub, "Workflow commands for GitHub Actions"; GitLab, "Code Quality report format".
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.artefacts import UNREMARKABLE
from harness.judge import SUITE_ITSELF
from harness.records import Record, Verdict
from harness.report import check_writable, open_stream, replace_file, visible, write_stream
from harness.report.failure import excerpt

_HUNK = re.compile(r"@@ -(\d+)")

#: GitHub shows no more of one kind in one step.
GITHUB_COUNT_MAX = 10


def location(record: Record, root: Path) -> tuple[str, int]:
    """Return the file that a failure is about, relative to the working directory where it can be, and its line.

    :param root: the suite's folder.
    """
    if record.golden is not None:
        path = root / "golden" / record.golden
    elif record.implementation == SUITE_ITSELF:
        path = root / "golden" / record.case
    else:
        path = root / "cases" / f"{record.case}.py"
    relative = os.path.relpath(path)
    return (str(path) if relative.startswith("..") else relative), differing_line(record.diff)


def differing_line(diff: Sequence[str]) -> int:
    """Return the first line of the expected file that a unified diff changes, from 1."""
    number = 0
    for line in diff:
        if match := _HUNK.match(line):
            if number:
                break
            number = int(match[1])
        elif number:
            if not line.startswith(" "):
                break
            number += 1
    return max(number, 1)


class GithubReporter:
    """Writes a workflow command for each failure to standard output or a file, and at most ten of them."""

    def __init__(self, path: str, root: Path) -> None:
        """Open the report.

        :raise UsageError: when it cannot be written.
        """
        self._path = path
        self._root = root
        self._stream = open_stream(path)
        self._count = 0

    def start(self, total_count: int) -> None:
        """Write nothing yet."""

    def record(self, record: Record) -> None:
        """Write the command for a failure."""
        if record.verdict in UNREMARKABLE:
            return
        self._count += 1
        if self._count <= GITHUB_COUNT_MAX:
            write_stream(self._stream, self._path, github_command(record, self._root) + "\n")

    def finish(self, records: Sequence[Record], *, interrupted: bool) -> None:
        """Say how many there are beside those shown."""
        if self._count > GITHUB_COUNT_MAX:
            more = self._count - GITHUB_COUNT_MAX
            write_stream(self._stream, self._path, f"::notice title=mirrorcheck::{more} more failures\n")

    def close(self) -> None:
        """Close the report."""
        self._stream.close()


def github_command(record: Record, root: Path) -> str:
    """Return the workflow command that annotates the line of a failure."""
    path, line = location(record, root)
    kind = "warning" if record.verdict in (Verdict.UNDECIDED, Verdict.UNAVAILABLE) else "error"
    title = f"{record.case} on {record.implementation}"
    properties = f"file={_property(path)},line={line},title={_property(title)}"
    return f"::{kind} {properties}::{_escaped(chr(10).join(excerpt(record)))}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(visible(text)).replace(":", "%3A").replace(",", "%2C")


class CodeQualityReporter:
    """Writes GitLab's report at the end of the run."""

    def __init__(self, path: str, root: Path) -> None:
        """Check that the file can be written.

        :raise UsageError: when it cannot.
        """
        self._path = path
        self._root = root
        check_writable(path)

    def start(self, total_count: int) -> None:
        """Write nothing yet."""

    def record(self, record: Record) -> None:
        """Write nothing yet: the report is one array."""

    def finish(self, records: Sequence[Record], *, interrupted: bool) -> None:
        """Write the file in one step."""
        issues = [code_quality_issue(record, self._root) for record in records if record.verdict not in UNREMARKABLE]
        replace_file(self._path, msgspec.json.format(msgspec.json.encode(issues)) + b"\n")

    def close(self) -> None:
        """Do nothing: no file is open."""


def code_quality_issue(record: Record, root: Path) -> dict[str, object]:
    """Return one entry of the report."""
    path, line = location(record, root)
    # The same fault keeps its fingerprint when its line moves: GitLab tells by it what is new.
    identity = f"{record.case}\n{record.implementation}\n{record.reason}"
    return {
        "description": visible(f"{record.case} on {record.implementation}: {record.reason}"),
        "check_name": visible(record.case),
        "fingerprint": hashlib.sha256(identity.encode("utf-8", "backslashreplace")).hexdigest(),
        "severity": "critical" if record.verdict is Verdict.BROKEN else "major",
        "location": {"path": path, "lines": {"begin": line}},
    }
