"""The report for a person: a progress line on a terminal, one line a case elsewhere, and every failure in short.

Durations are shown because people want them; nothing else uses them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TextIO

from harness.artefacts import UNREMARKABLE
from harness.records import Record, Task, Verdict
from harness.report import PASSING, cannot_write, summary, visible
from harness.report.failure import excerpt

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

_STYLES = {
    Verdict.PASS: "green",
    Verdict.KNOWN: "yellow",
    Verdict.SKIP: "cyan",
    Verdict.FAIL: "bold red",
    Verdict.UNAVAILABLE: "bold magenta",
    Verdict.UNDECIDED: "yellow",
    Verdict.BROKEN: "bold red",
}


class TerminalReporter:
    """Writes to a terminal, or to whatever standard output is."""

    def __init__(
        self,
        stream: TextIO,
        *,
        stream_name: str = "-",
        quiet: bool = False,
        only_progress: bool = False,
        widths: tuple[int, int] = (0, 0),
    ) -> None:
        """Make a reporter.

        :param stream_name: what to call the stream when it cannot be written.
        :param quiet: only failures and the last line.
        :param only_progress: nothing but the progress line, which is gone at the end.
        :param widths: of the longest case and the longest implementation, so that the columns stand from the start.
        """
        self._stream = stream
        self._stream_name = stream_name
        self._quiet = quiet
        self._only_progress = only_progress
        self._is_terminal = stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")
        self._console: Console | None = None
        self._progress: Progress | None = None
        self._progress_task: TaskID | None = None
        self._widths = widths
        self._unavailable: set[tuple[str, str]] = set()
        self._left_s: dict[tuple[str, str], float] = {}
        self._jobs = 1

    def expect(self, tasks: Sequence[Task], durations_s: Mapping[tuple[str, str], float], jobs: int) -> None:
        """Learn what is to come and how long it took before, to say how much time is left.

        :param durations_s: seconds by implementation and case; what is not there counts as the mean of what is.
        :param jobs: how many run at the same time.
        """
        if not durations_s:
            return
        mean_s = sum(durations_s.values()) / len(durations_s)
        pairs = [(task.implementation, task.case_id) for task in tasks]
        self._left_s = {pair: durations_s.get(pair, mean_s) for pair in pairs}
        self._jobs = max(1, min(jobs, len(tasks)))

    def start(self, total_count: int) -> None:
        """Show the progress line where there is a terminal."""
        if not self._is_terminal:
            return
        # Only here, because loading rich takes longer than many a run.
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._console = Console(file=self._stream, highlight=False, markup=False, soft_wrap=True)
        if not self._quiet:
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[left]}", markup=False),
                console=self._console,
                transient=True,
                auto_refresh=False,  # it would take a thread, and a process with threads must not fork
            )
            self._progress_task = self._progress.add_task("", total=total_count, left=self._time_left())
            self._progress.start()

    def record(self, record: Record) -> None:
        """Show one record: a line, and the lines that explain it when it did not pass."""
        self._left_s.pop((record.implementation, record.case), None)
        if self._progress is not None and self._progress_task is not None:
            self._progress.update(
                self._progress_task, advance=1, description=record.case, left=self._time_left(), refresh=True
            )
        if self._only_progress or self._repeats_unavailable(record):
            return
        remarkable = record.verdict not in UNREMARKABLE
        lines: list[tuple[str, str]] = []
        if remarkable or not (self._quiet or self._is_terminal):
            lines.append((self._line(record), _STYLES[record.verdict]))
        if record.verdict is Verdict.UNAVAILABLE:
            lines.append((f"    {visible(record.reason)}", ""))
        elif remarkable:
            lines += [(f"    {line}", _line_style(line)) for line in excerpt(record)]
        self._print(lines)

    def finish(self, records: Sequence[Record], *, interrupted: bool) -> None:
        """Show the result."""
        self._stop_progress()
        lines: list[tuple[str, str]] = []
        if not self._quiet and self._is_terminal:
            noted = [record for record in records if record.verdict in (Verdict.KNOWN, Verdict.SKIP)]
            lines += [(self._line(record), _STYLES[record.verdict]) for record in noted]
        verdicts = {record.verdict for record in records}
        if interrupted:
            lines.append((f"interrupted: {summary(records)}", _STYLES[Verdict.UNDECIDED]))
        else:
            good = bool(verdicts & PASSING) and verdicts <= UNREMARKABLE
            lines.append((summary(records), _STYLES[Verdict.PASS if good else Verdict.FAIL]))
        self._print(lines)

    def note(self, text: str) -> None:
        """Show one more line."""
        self._stop_progress()
        self._print([(text, "")])

    def close(self) -> None:
        """Give the terminal back as it was."""
        try:
            self._stop_progress()
        except OSError:  # the reader is gone; that was or will be reported where it mattered
            pass

    def _repeats_unavailable(self, record: Record) -> bool:
        """Say whether this record only tells once more that the same implementation cannot be started."""
        if record.verdict is not Verdict.UNAVAILABLE:
            return False
        key = (record.implementation, record.reason)
        seen = key in self._unavailable
        self._unavailable.add(key)
        return seen

    def _time_left(self) -> str:
        """Return about how long it will take, from earlier runs; "" when nothing is known or left."""
        if not self._left_s:
            return ""
        left_s = max(sum(self._left_s.values()) / self._jobs, *self._left_s.values(), 0.0)
        return f"about {_duration(left_s)} left"

    def _line(self, record: Record) -> str:
        case_width = max(self._widths[0], len(record.case))
        implementation_width = max(self._widths[1], len(record.implementation))
        self._widths = (case_width, implementation_width)
        parts = [record.case.ljust(case_width), record.implementation.ljust(implementation_width), record.verdict.value]
        if record.verdict is Verdict.SKIP:
            parts.append(record.reason)
        elif record.verdict is Verdict.KNOWN:
            parts.append(f"({record.reason})")
        elif record.verdict is not Verdict.UNAVAILABLE and record.run.duration_s:
            parts.append(_duration(record.run.duration_s))
        return visible("  ".join(parts).rstrip().replace("\n", " "))

    def _print(self, lines: Sequence[tuple[str, str]]) -> None:
        """Write lines, each with its style, together: a progress line is drawn anew after each writing."""
        if not lines:
            return
        try:
            if self._console is None:
                self._stream.write("".join(f"{line}\n" for line, _ in lines))
            else:
                from rich.text import Text

                styles = [style if not self._console.no_color else "" for _, style in lines]
                parts = zip([line for line, _ in lines], styles, strict=True)
                self._console.print(Text("\n").join(Text(line, style) for line, style in parts))
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise cannot_write(self._stream_name, error) from error

    def _stop_progress(self) -> None:
        progress, self._progress = self._progress, None
        if progress is not None:
            progress.stop()


def _duration(duration_s: float) -> str:
    if duration_s < 1:
        return f"{duration_s * 1000:.0f} ms"
    return f"{duration_s:.1f} s"


def _line_style(line: str) -> str:
    if line.startswith("+"):
        return "green"
    if line.startswith("-"):
        return "red"
    return ""
