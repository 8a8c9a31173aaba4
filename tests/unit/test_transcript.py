"""The transcript: lines as they happen, in a form that any terminal and any file can take."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from harness import transcript as transcript_module
from harness import worker
from harness.errors import CaseError, UsageError
from harness.records import RunStatus, Task
from harness.results import TRANSCRIPT
from harness.transcript import Transcript, printable

FULL = Path("/dev/full")

needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


def test_lines_are_kept_and_written_as_they_come() -> None:
    file = io.BytesIO()
    transcript = Transcript(file)
    transcript.line("one")
    assert file.getvalue() == b"one\n"
    transcript.line()
    transcript.line("zwei \N{EURO SIGN}")
    assert transcript.lines == ["one", "", "zwei \N{EURO SIGN}"]
    assert transcript.text().encode() == file.getvalue()


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb", ["a", "b"]),
        ("a\n", ["a", ""]),
        ("trailing  \t", ["trailing"]),
        ("\x1b[31mred", [r"\x1b[31mred"]),
        ("tab\there", [r"tab\there"]),
        ("return\rhere", [r"return\rhere"]),
        ("\ud800", [r"\ud800"]),
        ("\N{RIGHT-TO-LEFT OVERRIDE}", [r"\u202e"]),
        ("plain", ["plain"]),
    ],
)
def test_line_is_split_and_made_printable(text: str, lines: list[str]) -> None:
    transcript = Transcript()
    transcript.line(text)
    assert transcript.lines == lines
    assert all(printable(line) == line for line in transcript.lines)


def test_transcript_that_grows_too_long_is_the_cases_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcript_module, "TRANSCRIPT_BYTES_MAX", 10)
    transcript = Transcript()
    transcript.line("x" * 9)
    with pytest.raises(CaseError, match=r"^the transcript is longer than 10 bytes$"):
        transcript.line("")
    assert transcript.lines == ["x" * 9]


def test_file_that_takes_a_little_at_a_time_gets_everything() -> None:
    class Slow(io.BytesIO):
        def write(self, data: object) -> int:
            assert isinstance(data, bytes)
            return super().write(data[:3])

    file = Slow()
    Transcript(file).line("0123456789")
    assert file.getvalue() == b"0123456789\n"


@needs_full
def test_full_disk_is_one_clear_line() -> None:
    with FULL.open("wb", buffering=0) as file:
        transcript = Transcript(file)
        with pytest.raises(UsageError, match=r"^cannot write the transcript: No space left on device$"):
            transcript.line("hello")


CASE = '''"""310-speaks: prints a line.

Groups: quick
Source: QE-01
"""


def run(bench):
    bench.say("hello")
'''


def order(tmp_path: Path) -> worker.Order:
    case = tmp_path / "310-speaks.py"
    case.write_text(CASE)
    folder = tmp_path / "run"
    folder.mkdir()
    task = Task(case_path=str(case), case_id="310-speaks", implementation="reference", needs=[])
    return worker.Order(task=task, folder=str(folder), limit_s=30.0)


@needs_full
@pytest.mark.slow
def test_run_whose_transcript_cannot_be_written_is_broken_without_a_traceback(tmp_path: Path) -> None:
    given = order(tmp_path)
    os.symlink(FULL, Path(given.folder) / TRANSCRIPT)
    done = worker.run_order(given, tmp_path / "scratch", worker.run_on_bench, lambda begun: None)
    assert done.run.status is RunStatus.BROKEN
    assert done.run.reason == "cannot write the transcript: No space left on device"
    assert done.run.detail == ""


@pytest.mark.slow
@pytest.mark.parametrize("errno_name", ["ENOSPC", "EROFS", "EDQUOT"])
def test_run_whose_folder_takes_nothing_is_broken_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, errno_name: str
) -> None:
    import errno

    number = getattr(errno, errno_name)

    def fail(folder: Path) -> None:
        raise OSError(number, os.strerror(number), str(folder / "stdout.txt"))

    monkeypatch.setattr(worker, "redirected_output", fail)
    given = order(tmp_path)
    done = worker.run_order(given, tmp_path / "scratch", worker.run_on_bench, lambda begun: None)
    assert done.run.status is RunStatus.BROKEN
    assert done.run.reason == f"cannot write to {given.folder}/stdout.txt: {os.strerror(number)}"
    assert done.run.detail == ""
    assert done.retire
