"""What tests of programs on sockets share: to start one, wait for its sockets, and end it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness import processes

LIMIT_S = 60.0
"""Only a hang takes this long."""

SERVE = (sys.executable, "-m", "harness.cli", "serve")

REPOSITORY = Path(__file__).resolve().parent.parent.parent


class Program:
    """A program with its monitor on ``q.sock`` and its NBD server on ``n.sock``, in a folder of its own."""

    def __init__(self, folder: Path, argv: Sequence[str], options: Sequence[str]) -> None:
        self.folder = folder
        self.qmp_path = folder / "q.sock"
        self.nbd_path = folder / "n.sock"
        chardev = f"socket,id=m,path={self.qmp_path},server=on,wait=off"
        words = [*argv, "--chardev", chardev, "--monitor", "m"]
        words += ["--nbd-server", f"addr.type=unix,addr.path={self.nbd_path}", *options]
        words += ["--pidfile", str(folder / "pid")]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        self.child = processes.start(words, cwd=folder, environment=environment)

    def wait_until_it_serves(self) -> None:
        """Wait for what comes last, the file with its process id; there is no other sign of it."""
        while not (self.folder / "pid").exists() or not (self.folder / "pid").read_text().strip():
            if processes.wait_readable(self.child.pidfd, 0.01):
                raise AssertionError(self.child.stderr_tail())

    def qmp(self) -> Monitor:
        """A connection to its monitor, negotiated."""
        return Monitor(self.qmp_path)

    def rss_bytes(self) -> int:
        """Its memory."""
        status = Path(f"/proc/{self.child.pid}/statm").read_text().split()
        return int(status[1]) * os.sysconf("SC_PAGE_SIZE")


class Monitor:
    """A QMP client that sends one command after the other, and keeps the events."""

    def __init__(self, path: Path, *, negotiate: bool = True) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))  # waits its turn, which it would not do with a limit
        self.socket.settimeout(LIMIT_S)
        self._lines = self.socket.makefile("rb")
        self.events: list[dict[str, Any]] = []
        self.greeting = self.read()
        if negotiate:
            assert self.execute("qmp_capabilities") == {"return": {}}

    def read(self) -> dict[str, Any]:
        """The next message."""
        line = self._lines.readline()
        if not line:
            raise EOFError
        message: dict[str, Any] = json.loads(line)
        return message

    def execute(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Execute a command, whose underscores in arguments stand for hyphens, and return its reply."""
        given = {name.replace("_", "-"): value for name, value in arguments.items()}
        self.socket.sendall(json.dumps({"execute": command, "arguments": given}).encode())
        while "event" in (message := self.read()):
            self.events.append(message)
        return message

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self.socket.close()


@contextlib.contextmanager
def running(folder: Path, argv: Sequence[str] = SERVE, options: Sequence[str] = ()) -> Iterator[Program]:
    """Run a program, the served reference by default."""
    program = Program(folder, argv, options)
    try:
        program.wait_until_it_serves()
        yield program
    finally:
        program.child.close()


def wait_readable(connection: socket.socket) -> bool:
    """Whether something comes at once."""
    return bool(select.select([connection], [], [], 0)[0])


def require(program: str) -> str:
    """The path of a program; the test is skipped without it."""
    import pytest

    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found
