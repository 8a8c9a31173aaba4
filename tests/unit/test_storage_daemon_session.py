"""Sessions with programs that die, stop, or are no QEMU at all: one clear line each, the right fault, nothing left."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import processes
from harness.bench import Bench
from harness.disk import Disk
from harness.errors import (
    ImplementationCrash,
    ImplementationError,
    ImplementationHang,
    ImplementationUnavailable,
    ProtocolViolation,
)
from harness.guest import Guest
from harness.implementations.storage_daemon import DETAIL_LENGTH_MAX, DaemonSession, StorageDaemon
from harness.transcript import Transcript

LIMIT_S = 30.0

#: For what must hang: any limit does, so a short one.
SHORT_LIMIT_S = 0.05

needs_qemu = pytest.mark.skipif(shutil.which("qemu-storage-daemon") is None, reason="no qemu-storage-daemon here")

FAKE = """#!{python}
import json, os, signal, socket, sys
connection = socket.socket(fileno=int(sys.argv[2].rpartition("fd=")[2]))
def send(message):
    connection.sendall(json.dumps(message).encode() + b"\\n")
def wait():
    while True:
        signal.pause()
def commands():
    # One after the other, as they come: the client ends them with nothing.
    text = ""
    while data := connection.recv(65536):
        text += data.decode()
        while text:
            try:
                command, end = json.JSONDecoder().raw_decode(text)
            except ValueError:
                break
            text = text[end:]
            yield command
"""

GREET = """
send({"QMP": {"version": {"qemu": {"major": 1, "minor": 2, "micro": 3}, "package": "fake"}, "capabilities": []}})
for command in commands():
    if command["execute"] == "qmp_capabilities":
        send({"return": {}})
        continue
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a session lives; afterwards nothing of it may be there, nor any descriptor or child."""
    folder = tmp_path / "session"
    folder.mkdir()
    before = sorted(os.listdir("/proc/self/fd"))
    yield folder
    assert list(folder.iterdir()) == []
    assert sorted(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def write_program(tmp_path: Path, body: str) -> Path:
    """A program that gets the descriptor of its QMP connection as the real one does."""
    path = tmp_path / "program"
    path.write_text(FAKE.replace("{python}", sys.executable) + body)
    path.chmod(0o755)
    return path


def write_fake(tmp_path: Path, answer: str) -> Path:
    """A program that greets and negotiates, and does `answer` for every other `command`."""
    indented = "".join(f"    {line}\n" for line in answer.strip().splitlines())
    return write_program(tmp_path, GREET + indented)


# Programs that cannot be started, or are no QEMU


def expect_unavailable(program: Path | str, folder: Path, text: str, limit_s: float = LIMIT_S) -> None:
    with pytest.raises(ImplementationUnavailable) as caught:
        DaemonSession(str(program), folder, limit_s)
    assert re.fullmatch(text, str(caught.value)), str(caught.value)


@pytest.mark.parametrize("how", ["probe", "open", "session"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing", "no such program"),
        ("folder", "is a directory, not a program"),
        ("plain", "is not executable"),
    ],
)
def test_program_that_cannot_be_started_says_why(
    tmp_path: Path, folder: Path, name: str, reason: str, how: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "plain").write_text("#!/bin/sh\n")
    path = str(tmp_path / name)
    start: dict[str, Callable[[], object]] = {
        "probe": StorageDaemon("qemu-storage-daemon", path).probe,
        "open": lambda: StorageDaemon("qemu-storage-daemon", path).open(folder),
        "session": lambda: DaemonSession(path, folder, LIMIT_S),
    }
    with pytest.raises(ImplementationUnavailable, match=rf"^cannot start {re.escape(path)}: {reason}$"):
        start[how]()


def test_name_that_is_nowhere_in_the_path_says_so(folder: Path) -> None:
    text = r"^cannot start qemu-storage-demon: no such program$"
    with pytest.raises(ImplementationUnavailable, match=text):
        StorageDaemon("qemu-storage-daemon:qemu-storage-demon", "qemu-storage-demon").probe()


def test_program_that_does_nothing_is_named_with_its_status(folder: Path) -> None:
    expect_unavailable("/bin/true", folder, "/bin/true does not speak QMP: it ended with status 0")


def test_program_that_complains_is_quoted_without_its_advice(folder: Path) -> None:
    expect_unavailable("/bin/cat", folder, "/bin/cat does not speak QMP: .*unrecognized option '--chardev'")


def test_program_that_is_killed_is_named_with_its_signal(tmp_path: Path, folder: Path) -> None:
    program = write_program(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)")
    expect_unavailable(program, folder, f"{program} does not speak QMP: it was killed by SIGSEGV")


def test_program_that_says_nothing_is_given_up_at_the_limit(tmp_path: Path, folder: Path) -> None:
    program = write_program(tmp_path, "wait()")
    expect_unavailable(program, folder, f"{program} does not speak QMP within 0.05 s", SHORT_LIMIT_S)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (rb"hello\n", r"Did not understand Greeting: .*raw bytes were: b'hello\\n'"),
        (rb"{}\n", "Did not understand Greeting: .*"),
        (rb"[]\n", "Did not understand Greeting: .*"),
        (rb'{"QMP": 5}\n', "Did not understand Greeting: 'Greeting' member 'QMP' must be a JSON object"),
        (rb"\xff\xfe\x00\n", ".+"),
        (rb"\x1b[31mred\n", r"Did not understand Greeting: .*raw bytes were: b'\\x1b\[31mred\\n'"),
    ],
    ids=["text", "empty", "array", "number", "binary", "colour"],
)
def test_program_that_sends_garbage_is_quoted_in_one_line(
    tmp_path: Path, folder: Path, sent: bytes, reason: str
) -> None:
    program = write_program(tmp_path, f"connection.sendall(b'{sent.decode()}')\nwait()")
    expect_unavailable(program, folder, f"{re.escape(str(program))} does not speak QMP: {reason}")


def test_program_that_sends_without_end_is_cut_short(tmp_path: Path, folder: Path) -> None:
    program = write_program(tmp_path, "while True:\n    connection.sendall(b'x' * 65536)")
    with pytest.raises(ImplementationUnavailable) as caught:
        DaemonSession(str(program), folder, LIMIT_S)
    assert len(str(caught.value)) < len(str(program)) + DETAIL_LENGTH_MAX + 30


def test_program_that_colours_its_last_words_is_quoted_printably(tmp_path: Path, folder: Path) -> None:
    program = write_program(tmp_path, r"sys.exit('\x1b[31msorry\x07')")
    expect_unavailable(program, folder, rf"{program} does not speak QMP: \\x1b\[31msorry\\x07")


# Programs with a sanitizer


@pytest.mark.parametrize(
    ("said", "head"),
    [
        (["=====", "==71==ERROR: AddressSanitizer: heap-use-after-free on address 0x60", "READ of size 8"], 1),
        (["../block/mirror.c:12:5: runtime error: shift exponent 64 is too large for 64-bit type"], 0),
        (["WARNING: ThreadSanitizer: data race (pid=71)", "  Write of size 4"], 0),
        (["warning: a runtime error is not excluded"], None),
    ],
    ids=["address", "undefined", "thread", "none"],
)
def test_report_of_a_sanitizer_is_a_crash_where_it_is_made(
    fake: Callable[[str], DaemonSession], said: list[str], head: int | None
) -> None:
    session = fake(
        f"print(*{said!r}, sep='\\n', file=sys.stderr, flush=True)\nsend({{'return': [], 'id': command['id']}})"
    )
    wait_for_query(session)
    if head is not None:
        with pytest.raises(ImplementationCrash) as caught:
            session.settle()
        assert str(caught.value) == f"a sanitizer in qemu-storage-daemon: {said[head]}"
        assert caught.value.detail == "\n".join([*said, ""])
    session.settle()  # it is said once


# Programs that break the protocol in the middle


@pytest.fixture
def fake(tmp_path: Path, folder: Path) -> Iterator[Callable[[str], DaemonSession]]:
    sessions: list[DaemonSession] = []

    def start(answer: str) -> DaemonSession:
        sessions.append(DaemonSession(str(write_fake(tmp_path, answer)), folder, LIMIT_S))
        return sessions[-1]

    yield start
    for session in sessions:
        session.close()
        session.close()


def wait_for_query(session: DaemonSession) -> None:
    pending = session.submit_command("query-jobs", {})
    session.wait(lambda: pending.done, "the reply to query-jobs")


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (r"connection.sendall(b'garbage\n')", r"QMP connection lost: Failed to deserialize QMP message\. .*garbage.*"),
        ("send([1])", "QMP connection lost: .*"),
        ("send({'event': 5, 'data': {}})", "QMP connection lost: .*"),
        ("send({'event': 'X', 'data': 7})", "QMP connection lost: event .* is not of the form that QMP gives events"),
        ("connection.shutdown(socket.SHUT_RDWR)\nwait()", "QMP connection lost: it hung up"),
    ],
    ids=["garbage", "array", "event-number", "event-data", "hangs-up"],
)
@pytest.mark.slow
def test_program_that_breaks_the_protocol_is_told_so(
    fake: Callable[[str], DaemonSession], answer: str, text: str
) -> None:
    session = fake(answer)
    with pytest.raises(ProtocolViolation) as caught:
        wait_for_query(session)
    assert re.fullmatch(text, str(caught.value)), str(caught.value)


def test_reply_that_is_none_is_a_violation(fake: Callable[[str], DaemonSession]) -> None:
    session = fake("send({'error': 5, 'id': command['id']})")
    with pytest.raises(ProtocolViolation, match=r"^(the reply to query-jobs is none that|QMP connection lost).*$"):
        wait_for_query(session)


def test_program_that_ends_while_a_reply_is_awaited_is_a_crash(fake: Callable[[str], DaemonSession]) -> None:
    session = fake("print('last words', file=sys.stderr)\nsys.exit(3)")
    with pytest.raises(ImplementationCrash, match=r"^qemu-storage-daemon ended: ended with status 3$") as caught:
        wait_for_query(session)
    assert caught.value.detail == "last words\n"


def test_program_that_ends_while_nothing_is_asked_is_noticed_at_once(fake: Callable[[str], DaemonSession]) -> None:
    """It answers the command and ends then, when only an event is awaited."""
    session = fake("send({'return': [], 'id': command['id']})\nsys.exit(4)")
    wait_for_query(session)
    with pytest.raises(ImplementationCrash, match=r"^qemu-storage-daemon ended: ended with status 4$"):
        session.wait(lambda: False, "event NEVER")


def test_last_event_of_a_program_that_ends_is_still_seen(fake: Callable[[str], DaemonSession]) -> None:
    session = fake(
        "send({'return': [], 'id': command['id']})\n"
        "send({'event': 'SHUTDOWN', 'data': {'guest': False}, 'timestamp': {'seconds': 0, 'microseconds': 0}})\n"
        "sys.exit(0)"
    )
    wait_for_query(session)
    session.wait(lambda: bool(session.events), "event SHUTDOWN")
    assert [event.name for event in session.events] == ["SHUTDOWN"]


def test_refusal_of_a_command_of_our_own_is_the_programs_fault(fake: Callable[[str], DaemonSession]) -> None:
    session = fake("send({'error': {'class': 'GenericError', 'desc': 'no'}, 'id': command['id']})")
    with pytest.raises(ImplementationError, match=r"^query-version was refused: no$"):
        session.run_command("query-version", {})


def test_program_that_does_not_answer_hangs_with_its_last_messages(fake: Callable[[str], DaemonSession]) -> None:
    session = fake("wait()")
    session._hang_limit_s = SHORT_LIMIT_S
    with pytest.raises(
        ImplementationHang, match=r"^0\.05 s passed while waiting for the reply to query-jobs$"
    ) as caught:
        wait_for_query(session)
    assert caught.value.waits == ("command query-jobs: no reply",)
    assert caught.value.last_messages == ("-> query-jobs {}",)


# A real one that is killed or stopped in the middle


class Bench2(Bench):
    """A bench on a real daemon whose process a test may end or stop."""

    def __init__(self, folder: Path) -> None:
        self.daemon = DaemonSession("qemu-storage-daemon", folder, LIMIT_S)
        super().__init__(self.daemon, Transcript(), frozenset(), folder)
        self.source: Disk = self.disk("source", 1 << 20, 0x11)
        self.target: Disk = self.disk("target", 1 << 20)
        self.writer: Guest = self.guest(self.source)

    def kill(self) -> None:
        self.daemon._child.kill_group(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it, return when it has stopped, and lose patience quickly from then on."""
        self.daemon._child.kill_group(signal.SIGSTOP)
        os.waitid(os.P_PID, self.daemon._child.pid, os.WSTOPPED | os.WNOWAIT)
        self.daemon._hang_limit_s = SHORT_LIMIT_S


def wait_for_event(bench: Bench2, act: Callable[[], None]) -> None:
    bench.mirror(bench.source, bench.target)
    act()
    bench.wait_event("NEVER")


def complete_held_write(bench: Bench2, act: Callable[[], None]) -> None:
    bench.target.hold("write")
    bench.mirror(bench.source, bench.target)
    bench.target.wait_held()
    act()
    bench.target.release_all()
    bench.wait_event("BLOCK_JOB_READY")


def wait_for_guest(bench: Bench2, act: Callable[[], None]) -> None:
    bench.source.hold("write")
    request = bench.writer.start_write(0, 512, 1)
    bench.source.wait_held()
    act()
    request.wait()


def send_guest_request(bench: Bench2, act: Callable[[], None]) -> None:
    act()
    bench.writer.write(0, 512, 1)


def execute_command(bench: Bench2, act: Callable[[], None]) -> None:
    act()
    bench.execute("query-jobs")


def settle(bench: Bench2, act: Callable[[], None]) -> None:
    act()
    bench.settle()


def poll(bench: Bench2, act: Callable[[], None]) -> None:
    act()
    bench.wait_until(lambda: bool(bench.query("query-jobs")), "a job")


def attach_disk(bench: Bench2, act: Callable[[], None]) -> None:
    act()
    bench.disk("third", 4096)


def open_guest(bench: Bench2, act: Callable[[], None]) -> None:
    act()
    bench.guest(bench.target)


MOMENTS = [
    wait_for_event,
    complete_held_write,
    wait_for_guest,
    send_guest_request,
    execute_command,
    settle,
    poll,
    attach_disk,
    open_guest,
]


@pytest.fixture
def bench(folder: Path) -> Iterator[Bench2]:
    bench = Bench2(folder)
    yield bench
    bench.daemon.close()
    bench.daemon.close()
    with pytest.raises(ProcessLookupError):
        os.kill(bench.daemon._child.pid, 0)


@needs_qemu
@pytest.mark.qemu
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
def test_real_one_that_is_killed_is_a_crash_at_any_moment(
    bench: Bench2, moment: Callable[[Bench2, Callable[[], None]], None]
) -> None:
    with pytest.raises(ImplementationCrash, match=r"^qemu-storage-daemon ended: was killed by SIGKILL$"):
        moment(bench, bench.kill)


@needs_qemu
@pytest.mark.qemu
@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
def test_real_one_that_is_stopped_is_a_hang_at_any_moment(
    bench: Bench2, moment: Callable[[Bench2, Callable[[], None]], None]
) -> None:
    text = r"^(0\.05 s passed while waiting for .+|it is never at rest within 0\.05 s)$"
    with pytest.raises(ImplementationHang, match=text):
        moment(bench, bench.stop)


@needs_qemu
@pytest.mark.qemu
def test_real_one_that_is_stopped_names_the_request_that_waits(bench: Bench2) -> None:
    with pytest.raises(ImplementationHang) as caught:
        wait_for_guest(bench, bench.stop)
    assert caught.value.waits == ("guest write 0+512: no reply",)
    assert caught.value.last_messages


@needs_qemu
@pytest.mark.qemu
def test_real_one_that_is_closed_in_the_middle_leaves_nothing(bench: Bench2) -> None:
    """With a copy and a guest's request held; what is asserted is the fixtures' business."""
    bench.target.hold("write")
    bench.mirror(bench.source, bench.target)
    bench.target.wait_held()
    bench.source.hold("write")
    bench.writer.start_write(0, 512, 1)


@needs_qemu
@pytest.mark.qemu
def test_probe_of_the_real_one_names_version_and_features() -> None:
    probe = StorageDaemon("qemu-storage-daemon", "qemu-storage-daemon").probe()
    assert re.match(r"^[0-9]+\.[0-9]+\.[0-9]+", probe.version)
    assert {"blockdev-mirror", "copy-mode=write-blocking", "BLOCK_JOB_READY"} <= probe.features


def test_describe_status_is_what_the_tests_above_rely_on() -> None:
    assert processes.describe_status(-signal.SIGKILL) == "was killed by SIGKILL"
    assert stat.S_ISDIR(os.stat("/").st_mode)
