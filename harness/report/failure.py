"""What is shown of a run that did not pass: the same few lines at both doors."""

from __future__ import annotations

from harness.artefacts import DIFF_FILE
from harness.records import Record, RunStatus, Verdict
from harness.report import visible

DIFF_LINES_MAX = 10
DETAIL_LINES_MAX = 10


def excerpt(record: Record) -> list[str]:
    """Return the reason, the first lines of the difference or the last of the detail, the folder, the command.

    Nothing in it can disturb a terminal.
    """
    lines = [visible(record.reason)]
    if record.run.status is RunStatus.COMPLETED or not record.run.detail:
        lines += _diff_excerpt(record)
    else:
        lines += _detail_excerpt(record)
    if record.run.folder and record.verdict is not Verdict.SKIP:
        lines.append(f"everything about it: {visible(record.run.folder)}")
    if record.repeat_command:
        lines.append(f"repeat: {visible(record.repeat_command)}")
    return lines


def _diff_excerpt(record: Record) -> list[str]:
    lines = [visible(line) for line in record.diff[:DIFF_LINES_MAX]]
    hidden_count = len(record.diff) - len(lines)
    if hidden_count:
        where = f" in {DIFF_FILE}" if record.run.folder else ""
        lines.append(f"({hidden_count} more lines{where})")
    return lines


def _detail_excerpt(record: Record) -> list[str]:
    """Return the end of the detail: that is where a traceback names the error."""
    detail = record.run.detail.rstrip("\n").split("\n")
    shown = detail[-DETAIL_LINES_MAX:]
    hidden_count = len(detail) - len(shown)
    head = [f"({hidden_count} lines before)"] if hidden_count else []
    return head + [visible(line) for line in shown]
