"""`mirrorcheck serve` as a program: its sockets, its clients one after the other, its ends, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from tests.unit.served import LIMIT_S, REPOSITORY, SERVE, Monitor, running, wait_readable

pytestmark = pytest.mark.slow


def serve(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [*SERVE, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_sockets_and_pidfile_are_for_their_owner_alone_and_go_with_quit(tmp_path: Path) -> None:
    with running(tmp_path) as program:
        assert [mode(tmp_path / name) for name in ("q.sock", "n.sock", "pid")] == [0o600] * 3
        assert int((tmp_path / "pid").read_text()) == program.child.pid
        monitor = program.qmp()
        assert monitor.execute("quit") == {"return": {}}
        assert program.child.wait(LIMIT_S) == 0
        monitor.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as program:
        monitor = program.qmp()
        program.child.kill_group(number)
        assert program.child.wait(LIMIT_S) == 0
        with pytest.raises(EOFError):
            monitor.read()
        monitor.close()
        assert program.child.stderr_tail() == ""
    assert list(tmp_path.iterdir()) == []


def test_killed_run_leaves_sockets_that_the_next_one_replaces(tmp_path: Path) -> None:
    with running(tmp_path) as program:
        program.child.kill_group(signal.SIGKILL)
        program.child.wait(LIMIT_S)
    assert (tmp_path / "q.sock").exists()
    (tmp_path / "pid").unlink()
    with running(tmp_path) as program:
        program.qmp().close()


def test_socket_that_somebody_listens_on_is_not_taken_away(tmp_path: Path) -> None:
    with running(tmp_path) as program:
        done = serve(tmp_path, "--chardev", "socket,id=m,path=q.sock,server=on,wait=off")
        assert done.returncode == 254
        assert "Failed to bind socket to 'q.sock': Address already in use" in done.stderr
        program.qmp().close()


def test_file_that_is_no_socket_is_not_taken_away(tmp_path: Path) -> None:
    (tmp_path / "q.sock").write_text("mine")
    done = serve(tmp_path, "--chardev", "socket,id=m,path=q.sock,server=on,wait=off")
    assert "Address already in use" in done.stderr
    assert (tmp_path / "q.sock").read_text() == "mine"


def test_second_client_is_greeted_when_the_first_has_gone(tmp_path: Path) -> None:
    with running(tmp_path) as program:
        first = program.qmp()
        waiting = socket.socket(socket.AF_UNIX)
        waiting.settimeout(LIMIT_S)
        waiting.connect(str(program.qmp_path))
        # What the first one asks is answered meanwhile, and nothing has come to the second.
        assert "return" in first.execute("query-version")
        assert not wait_readable(waiting)
        first.close()
        assert b'"QMP"' in waiting.recv(4096)
        waiting.close()


def test_client_that_reads_nothing_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    with running(tmp_path) as program:
        monitor = program.qmp()
        monitor.socket.setblocking(False)
        try:
            while True:  # until no more goes into the socket, as nobody takes the answers out of the other one
                monitor.socket.send(b'{"execute":"query-qmp-schema"}' * 100)
        except BlockingIOError:
            pass
        program.child.kill_group(signal.SIGTERM)
        assert program.child.wait(LIMIT_S) == 0
        monitor.close()


def test_waiting_socket_holds_back_what_follows_until_a_client_comes(tmp_path: Path) -> None:
    chardev = f"socket,id=w,path={tmp_path / 'w.sock'},server=on"
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    words = [*SERVE, "--chardev", chardev, "--monitor", "w", "--pidfile", "pid"]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stderr is not None
        assert child.stderr.readline() == f"mirrorcheck serve: waiting for a connection on {tmp_path / 'w.sock'}\n"
        assert not (tmp_path / "pid").exists()
        monitor = Monitor(tmp_path / "w.sock")
        monitor.execute("quit")
        assert child.wait(LIMIT_S) == 0
        monitor.close()


def test_stdio_is_a_monitor(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [*SERVE, "--chardev", "stdio,id=m", "--monitor", "m"],
        cwd=tmp_path,
        input='{"execute":"qmp_capabilities"} {"execute":"query-jobs"} {"execute":"quit"}',
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    greeting, *replies = [json.loads(line) for line in done.stdout.splitlines()]
    assert "QMP" in greeting
    assert replies == [{"return": {}}, {"return": []}, {"return": {}}]


@pytest.mark.parametrize(
    ("implementation", "ending"),
    [("reference", "BLOCK_JOB_COMPLETED"), ("reference:size-mismatch-accepted", "BLOCK_JOB_READY")],
)
def test_known_bug_is_served(tmp_path: Path, implementation: str, ending: str) -> None:
    options = [
        *("--impl", implementation),
        *("--blockdev", "null-co,node-name=small,size=65536"),
        *("--blockdev", "null-co,node-name=large,size=131072"),
    ]
    with running(tmp_path, options=options) as program:
        monitor = program.qmp()
        arguments = {"job-id": "job0", "device": "small", "target": "large", "sync": "full"}
        assert monitor.execute("blockdev-mirror", **arguments) == {"return": {}}
        names = [event["event"] for event in monitor.events]
        while not names or not names[-1].startswith("BLOCK_JOB_"):
            names.append(monitor.read()["event"])
        assert names[-1] == ending
        monitor.close()


def test_throttle_group_limits(tmp_path: Path) -> None:
    options = [
        *("--object", "throttle-group,id=g,limits.iops-total=1"),
        *("--blockdev", "null-co,node-name=n,size=65536"),
        *("--blockdev", "throttle,node-name=t,file=n,throttle-group=g"),
    ]
    with running(tmp_path, options=options) as program:
        monitor = program.qmp()
        refused = monitor.execute("object-del", id="g")
        assert refused["error"]["desc"] == "object 'g' is in use, can not be deleted"
        assert "return" in monitor.execute("blockdev-del", node_name="t")
        assert "return" in monitor.execute("object-del", id="g")
        monitor.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--blockdev", "file,node-name=a"], "--blockdev file,node-name=a: Parameter 'filename' is missing"),
        (
            ["--blockdev", "file,node-name=a,filename=no"],
            "--blockdev file,node-name=a,filename=no: Could not open 'no': No such file or directory",
        ),
        (["--monitor", "m"], "--monitor m: chardev 'm' not found"),
        (
            ["--chardev", "socket,id=m,path=no"],
            "--chardev socket,id=m,path=no: Failed to connect to 'no': No such file or directory",
        ),
        (["--export", "nbd,id=e,node-name=a"], "Cannot find device='' nor node-name='a'"),
        (
            ["--blockdev", "null-co,node-name=a", "--export", "nbd,id=e,node-name=a"],
            "--export nbd,id=e,node-name=a: NBD server not running",
        ),
        (
            ["--nbd-server", "addr.type=unix,addr.path=/nonexistent/x"],
            "Failed to bind socket to /nonexistent/x: No such file or directory",
        ),
        (["--pidfile", "/nonexistent/x"], "cannot create PID file '/nonexistent/x': No such file or directory"),
        (["--daemonize"], "--daemonize is not offered"),
        (["--impl", "qemu-storage-daemon"], "only 'reference' and 'reference:NAME' can be served"),
        (["--impl", "reference:no-such-bug"], "the reference has no mutant 'no-such-bug'"),
        (["--object", "throttle-group,id=g", "--object", "throttle-group,id=g"], "attempt to add duplicate property"),
    ],
)
def test_mistake_is_one_line_and_ends_it(tmp_path: Path, options: list[str], message: str) -> None:
    done = serve(tmp_path, *options)
    assert done.returncode == 254
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_version_is_told(tmp_path: Path) -> None:
    for option in ("-V", "--version"):
        done = serve(tmp_path, option)
        assert done.returncode == 0
        assert done.stdout.startswith("mirrorcheck serve ")
