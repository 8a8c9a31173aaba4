"""The report for a pull request or a job's summary page: a table, and each failure folded away below it.

Everything that comes from a run stands in a code block or is escaped, so that nothing in it is read as Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.artefacts import UNREMARKABLE
from harness.records import Record, Verdict
from harness.report import check_writable, replace_file, summary, visible
from harness.report.failure import excerpt
from harness.side_by_side import shown

#: GitHub takes no summary above 1 MiB.
FAILURES_SHOWN_MAX = 50

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&])")


class MarkdownReporter:
    """Writes the file at the end of the run, also of an interrupted one."""

    def __init__(self, path: str) -> None:
        """Check that the file can be written.

        :raise UsageError: when it cannot.
        """
        self._path = path
        check_writable(path)

    def start(self, total_count: int) -> None:
        """Write nothing yet."""

    def record(self, record: Record) -> None:
        """Write nothing yet: the table comes first."""

    def finish(self, records: Sequence[Record], *, interrupted: bool) -> None:
        """Write the file in one step."""
        replace_file(self._path, document(records, interrupted=interrupted).encode("utf-8"))

    def close(self) -> None:
        """Do nothing: no file is open."""


def document(records: Sequence[Record], *, interrupted: bool = False, title: str = "mirrorcheck") -> str:
    """Return the document for these records."""
    lines = [f"## {escaped(title)}", "", f"**{'interrupted: ' if interrupted else ''}{summary(records)}**", ""]
    lines += ["| implementation | version | result |", "|---|---|---|"]
    for implementation in dict.fromkeys(record.implementation for record in records):
        own = [record for record in records if record.implementation == implementation]
        version = next((record.run.version for record in own if record.run.version), "")
        lines.append(f"| {escaped(implementation)} | {escaped(version)} | {summary(own)} |")
    failures = [record for record in records if record.verdict not in UNREMARKABLE]
    for record in failures[:FAILURES_SHOWN_MAX]:
        lines += ["", *_failure(record)]
    if len(failures) > FAILURES_SHOWN_MAX:
        lines += ["", f"{len(failures) - FAILURES_SHOWN_MAX} more failures are not shown."]
    known = [record for record in records if record.verdict is Verdict.KNOWN]
    if known:
        lines += ["", "Known:", ""]
        lines += [
            f"* {escaped(record.case)} on {escaped(record.implementation)}: {escaped(record.reason)}"
            for record in known
        ]
    return "\n".join(lines) + "\n"


def _failure(record: Record) -> list[str]:
    body = [shown(line) for line in excerpt(record)]
    # A fence longer than any run of backticks within cannot be closed from within.
    longest = max((len(run) for line in body for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    title = _html(f"{record.case} on {record.implementation}: {record.verdict}")
    return [f"<details><summary>{title}</summary>", "", f"{fence}text", *body, fence, "", "</details>"]


def escaped(text: str) -> str:
    """Return text of one line that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", visible(text).replace("\n", " ").replace("\t", " "))


def _html(text: str) -> str:
    return visible(text).replace("\n", " ").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
