"""The trace: what happened is there, in order, and it disturbs nobody."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from harness import cases, trace
from harness.case_run import run_case
from harness.errors import UsageError
from harness.implementations import parse
from harness.implementations.base import Inside, PendingRequest
from harness.storage import HeldStorage, Operation
from harness.trace import Trace, TracedTranscript
from harness.trace_file import Entry, read
from harness.transcript import Transcript

CASES = Path(__file__).resolve().parent.parent.parent / "cases"


def entries(file: io.BytesIO, tmp_path: Path) -> list[Entry]:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(file.getvalue())
    return read(path)


def run_traced(case_name: str, tmp_path: Path) -> tuple[list[Entry], Transcript]:
    case = cases.load(CASES / f"{case_name}.py")
    file = io.BytesIO()
    a_trace = Trace(file)
    transcript = TracedTranscript(io.BytesIO(), a_trace)
    run_case(case, parse("reference"), transcript, tmp_path, trace=a_trace)
    return entries(file, tmp_path), transcript


def test_trace_of_a_case_has_its_lines_disks_requests_and_events(tmp_path: Path) -> None:
    found, transcript = run_traced("310-active-writes", tmp_path)
    kinds = {entry[0] for entry in found}
    assert kinds == {
        *("disk", "line", "event", "inside", "storage", "storage-end", "command", "command-end", "guest", "guest-end")
    }
    assert [entry[1] for entry in found if entry[0] == "line"] == list(range(1, len(transcript.lines) + 1))
    for begin, end in (("guest", "guest-end"), ("command", "command-end")):
        started = [entry[1] for entry in found if entry[0] == begin]
        assert sorted(entry[1] for entry in found if entry[0] == end) == started
    states = [entry[3] for entry in found if entry[:3] == ["event", "JOB_STATUS_CHANGE", "job0"]]
    assert states == ["created", "running", "ready", "waiting", "pending", "concluded", "null"]


def test_transcript_is_the_same_with_and_without_a_trace(tmp_path: Path) -> None:
    _, traced = run_traced("340-intersecting-writes", tmp_path)
    plain = Transcript()
    run_case(cases.load(CASES / "340-intersecting-writes.py"), parse("reference"), plain, tmp_path)
    assert traced.lines == plain.lines


def test_cells_follow_what_the_disk_holds(tmp_path: Path) -> None:
    file = io.BytesIO()
    a_trace = Trace(file)
    storage = HeldStorage("source", 64 * 4096)
    storage.fill(0x11, 0, 4096)
    a_trace.disk(storage)
    storage.submit(Operation.WRITE, 8192, 4096, b"\x22" * 4096, on_complete=lambda request: None)
    storage.submit(Operation.WRITE, 4096, 2, b"ab", on_complete=lambda request: None)
    a_trace.line(1)
    disk, *_, line = entries(file, tmp_path)
    assert disk[:4] == ["disk", "source", 64 * 4096, 4096]
    assert disk[4][:3] == ["11", "", ""]
    assert line[:2] == ["line", 1]
    assert line[2]["source"]["2"] == "22"
    assert re.fullmatch("[0-9a-f]{8}", line[2]["source"]["1"])


def test_disk_that_is_empty_or_huge_is_shown_too(tmp_path: Path) -> None:
    file = io.BytesIO()
    a_trace = Trace(file)
    a_trace.disk(HeldStorage("nothing", 0))
    huge = HeldStorage("huge", 1 << 40)
    huge.fill(0x11, 0, 4096)
    a_trace.disk(huge)
    a_trace.finish()
    nothing, shown = entries(file, tmp_path)
    assert nothing[4] == []
    assert shown[4] == ["data"] + [""] * 63


def test_trace_that_grows_too_long_keeps_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "RECORDS_MAX", 5)
    file = io.BytesIO()
    a_trace = Trace(file)
    for number in range(1, 20):
        a_trace.line(number)
    assert entries(file, tmp_path) == [["line", 1], ["line", 2], ["line", 3], ["line", 4], ["cut", 5]]


class BrokenSession:
    """A model that cannot be looked at."""

    def __init__(self) -> None:
        self.events: list[object] = []
        self.looked_count = 0

    def inside(self) -> Inside | None:
        self.looked_count += 1
        raise RuntimeError("a bug that was put back")

    def attach(self, *arguments: object, **options: object) -> None: ...

    open_guest = submit_command = attach


def test_model_that_cannot_be_looked_at_is_not_looked_at_again() -> None:
    session = BrokenSession()
    a_trace = Trace(io.BytesIO())
    a_trace.follow(session)  # type: ignore[arg-type]
    a_trace.guest("source", PendingRequest(Operation.FLUSH, 0, 0))
    a_trace.line(1)
    assert session.looked_count == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]\n", r"^/.*: line 1 does not say what it is$"),
        (b'["trace",2]\n', r"^/.* is no trace of format 1$"),
        (b'["trace",1]\n{}\n', r"^/.*: line 2 is no entry of a trace: Expected `array`, got `object`$"),
        (b'["trace",1]\n["line","\xff"]\n', r"^/.*: line 2 is no entry of a trace: .*$"),
    ],
)
def test_file_that_is_no_trace_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=message):
        read(path)
    path.write_bytes(b'["trace",1]\n["line",1]\n["li')
    assert read(path) == [["line", 1]]
