"""Consoles: what a terminal shows, talks with programs that answer, draw, hang up or say nothing of the kind."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from harness.consoles import qemu_io
from harness.consoles.console import Console
from harness.consoles.conversation import without_what_differs
from harness.consoles.hmp import on_pty
from harness.consoles.redraw import visible
from harness.errors import (
    CaseError,
    ImplementationCrash,
    ImplementationError,
    ImplementationUnavailable,
    ProtocolViolation,
)
from harness.implementations import parse
from harness.implementations.qemu_system import SystemSession
from harness.storage import HeldStorage

LIMIT_S = 30.0
PROMPT = qemu_io.PROMPT

Result = TypeVar("Result")

needs_system = pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="no qemu-system-x86_64 here")


def drawn(line: str) -> str:
    """What QEMU's line editor sends while a line is typed."""
    keys = [line[: end + 1] + "\x1b[K" for end in range(len(line))]
    return "".join(f"{key}" + "\x1b[D" * (end + 1) for end, key in enumerate(keys[:-1])) + keys[-1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("plain", "plain"),
        ("one\r\ntwo\r\r\nthree\n", "one\ntwo\nthree\n"),
        (drawn("read 0 64k") + "\r\nread 65536\r\n", "read 0 64k\nread 65536\n"),
        ("abc\x1b[2Dx", "axc"),
        ("abc\x1b[2D\x1b[K", "a"),
        ("abc\rx", "xbc"),
        ("abc\x08x", "abx"),
        ("a\x1b[3Cb", "a   b"),
        ("a\x1b[9Db", "b"),
    ],
)
def test_visible_is_what_a_terminal_shows(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("64 KiB, 1 ops; 00.00 sec (76.178 MiB/sec and 1218.8403 ops/sec)", "64 KiB, 1 ops; TIME"),
        ("64 KiB, 1 ops; 0:00:01.20 sec (53 KiB/sec and 0.8 ops/sec)\nmore", "64 KiB, 1 ops; TIME\nmore"),
        ("QEMU 7.2.22 monitor - type 'help'", "QEMU X.Y.Z monitor - type 'help'"),
        ("Error: Cannot find device= nor node_name=nope", "Error: Cannot find device='' nor node-name='nope'"),
        ("Error: Cannot find device='' nor node-name='nope'", "Error: Cannot find device='' nor node-name='nope'"),
        ("Error: Node 'drive0' is busy: a job", "Node 'drive0' is busy: a job"),
        ("wrote 65536/65536 bytes at offset 0", "wrote 65536/65536 bytes at offset 0"),
    ],
)
def test_answer_without_what_differs_keeps_the_rest(text: str, rest: str) -> None:
    assert without_what_differs(text) == rest


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("program", "companion"),
    [
        ("bin/qemu-storage-daemon", "bin/qemu-io"),
        ("bin/qemu-storage-daemon-v9", "bin/qemu-io-v9"),
        ("build/storage-daemon/qemu-storage-daemon", "build/qemu-io"),
    ],
)
def test_qemu_io_is_found_beside_its_program(tmp_path: Path, program: str, companion: str) -> None:
    path = make_program(tmp_path / program)
    assert qemu_io.beside(str(path), "qemu-storage-daemon") is None
    expected = make_program(tmp_path / companion)
    assert qemu_io.beside(str(path), "qemu-storage-daemon") == str(expected)


def test_qemu_io_beside_what_is_no_qemu_is_none(tmp_path: Path) -> None:
    make_program(tmp_path / "qemu-io")
    assert qemu_io.beside(str(make_program(tmp_path / "mirror")), "qemu-storage-daemon") is None
    assert qemu_io.beside(str(tmp_path / "nowhere"), "qemu-storage-daemon") is None


class LoopHost:
    """A loop and nothing else."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.changed = asyncio.Event()

    def run(self, awaitable: Awaitable[Result]) -> Result:
        return self.loop.run_until_complete(asyncio.wait_for(awaitable, LIMIT_S))

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        async def wait() -> None:
            while not condition():
                self.changed.clear()
                await self.changed.wait()

        self.run(wait())

    def something_changed(self) -> None:
        self.changed.set()


@pytest.fixture
def host() -> Iterator[LoopHost]:
    """A loop; afterwards no descriptor may be open that was not, and no child be left."""
    before = sorted(os.listdir("/proc/self/fd"))
    host = LoopHost()
    yield host
    host.loop.close()
    assert sorted(os.listdir("/proc/self/fd")) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


FAKE = """
import sys
print("hello")
print({prompt!r}, end="", flush=True)
for line in sys.stdin:
    if line == "quit\\n":
        sys.exit(3)
    if line == "loud\\n":
        print("on stderr", file=sys.stderr)
    print("you said", line, end="")
    print({prompt!r}, end="", flush=True)
"""


def start(host: LoopHost, folder: Path, program: str = FAKE, *, terminal: bool = False) -> Console:
    arguments = ["-c", program.format(prompt=PROMPT)]
    return qemu_io.start(host, sys.executable, arguments, folder, terminal=terminal)


def test_console_greets_answers_and_ends(host: LoopHost, tmp_path: Path) -> None:
    console = start(host, tmp_path)
    assert console.greeting == "hello\n"
    for line in ("one", "two"):
        console.send(line)
        assert console.wait() == f"you said {line}\n"
    console.send("loud")
    assert console.wait() == "on stderr\nyou said loud\n"
    console.send("quit")
    assert console.wait() == ""
    assert console.ended
    assert console.exit_status() == "ended with status 3"
    with pytest.raises(CaseError, match=r"^the console has ended, 'more' reaches nobody$"):
        console.send("more")
    console.close()
    console.close()


def test_console_takes_no_line_before_the_answer(host: LoopHost, tmp_path: Path) -> None:
    console = start(host, tmp_path)
    console.send("one")
    with pytest.raises(CaseError, match=r"^'one' has no answer yet, and 'two' is to be typed$"):
        console.send("two")
    console.close()


def test_console_on_a_terminal_drops_what_was_typed(host: LoopHost, tmp_path: Path) -> None:
    console = start(host, tmp_path, terminal=True)  # the kernel echoes, as nobody here edits lines
    console.send("one")
    assert console.wait() == "you said one\n"
    console.close()


def test_console_that_draws_another_line_breaks_the_rules(host: LoopHost, tmp_path: Path) -> None:
    deaf = "import termios, sys\nmode = termios.tcgetattr(0)\nmode[3] &= ~termios.ECHO\ntermios.tcsetattr(0, 0, mode)\n"
    console = start(host, tmp_path, deaf + FAKE, terminal=True)
    console.send("one")
    text = r"^the console draws 'you said one' where 'one' was typed$"
    with pytest.raises(ProtocolViolation, match=text):
        console.wait()
    console.close()


def test_console_that_ends_before_its_prompt_is_told_with_what_it_said(host: LoopHost, tmp_path: Path) -> None:
    with pytest.raises(ImplementationCrash, match=r"^the console ended before its first 'qemu-io>'$") as caught:
        start(host, tmp_path, "print('no such disk')")
    assert caught.value.detail == "no such disk\n"


def test_console_that_is_not_there_says_so(host: LoopHost, tmp_path: Path) -> None:
    path = tmp_path / "nowhere"
    with pytest.raises(ImplementationUnavailable, match=rf"^cannot start {path}: no such program$"):
        qemu_io.start(host, str(path), [], tmp_path)


@pytest.mark.parametrize("filename", ["", "pty", "pty:", "unix:/dev/pts/1"])
def test_terminal_of_the_monitor_that_is_none_breaks_the_rules(host: LoopHost, filename: str) -> None:
    text = rf"^the terminal of the monitor is '{filename}', which is not of the form pty:PATH$"
    with pytest.raises(ProtocolViolation, match=text):
        on_pty(host, filename)


# With a real emulator


@pytest.fixture
def system(tmp_path: Path) -> Iterator[SystemSession]:
    before = sorted(os.listdir("/proc/self/fd"))
    session = SystemSession("qemu-system-x86_64", tmp_path, LIMIT_S)
    yield session
    session.close()
    session.close()
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert list(tmp_path.iterdir()) == []


@needs_system
@pytest.mark.qemu
@pytest.mark.slow
def test_monitor_opened_late_is_refused(system: SystemSession) -> None:
    system.run_command("query-status", {})
    text = r"^the monitor's console is to be opened before anything else is done$"
    with pytest.raises(CaseError, match=text):
        system.open_monitor()


@needs_system
@pytest.mark.qemu
@pytest.mark.slow
@pytest.mark.parametrize("terminal", [False, True])
def test_monitor_talks_and_leaves_nothing(system: SystemSession, terminal: bool) -> None:
    console = system.open_monitor(terminal=terminal)
    console.send("info status")
    assert console.wait().split("\n")[0] == "VM status: paused (prelaunch)"


@needs_system
@pytest.mark.qemu
@pytest.mark.slow
def test_drive_whose_id_is_taken_is_refused(system: SystemSession) -> None:
    system.attach_drive("drive0", "one", HeldStorage("one", 1024))
    with pytest.raises(ImplementationError, match=r"^drive_add was refused: .*drive0.*$"):
        system.attach_drive("drive0", "two", HeldStorage("two", 1024))


@needs_system
@pytest.mark.qemu
@pytest.mark.slow
def test_output_is_taken_once(system: SystemSession) -> None:
    system.attach_drive("drive0", "disk", HeldStorage("disk", 1024))
    assert system.take_output() == ""
    system.run_command("human-monitor-command", {"command-line": 'qemu-io drive0 "length"'})
    assert system.take_output().strip() == "1 KiB"
    assert system.take_output() == ""


@needs_system
@pytest.mark.qemu
@pytest.mark.slow
def test_probe_of_the_emulator_names_what_only_it_has() -> None:
    features = parse("qemu-system-x86_64").probe().features
    assert {"human-monitor-command", "hmp-console", "blockdev-mirror", "bitmap-export"} <= features
