"""The kind ``socket``: what it finds wrong with an address, and that it leaves a running program as it found it."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.bench import Bench
from harness.errors import (
    CaseSkipped,
    ImplementationCrash,
    ImplementationUnavailable,
    UsageError,
)
from harness.implementations import parse, socket_files, socket_lock
from harness.implementations import socket_program as module
from harness.implementations.base import Session
from harness.implementations.socket_address import Address
from harness.implementations.socket_address import parse as parse_address
from harness.transcript import Transcript
from tests.unit.served import LIMIT_S, Program, require, running

KIB = 1024


# How it is written


def test_address_of_one_and_of_several_programs() -> None:
    assert parse_address("qmp=/a") == [Address("/a")]
    assert parse_address("qmp=/a,,b,nbd=/n,program=mine,qmp=/c") == [Address("/a,b", "/n", "mine"), Address("/c")]


@pytest.mark.parametrize(
    ("detail", "message"),
    [
        ("nbd=/n", "'socket:nbd=/n' does not begin with qmp=PATH"),
        ("/a", "'/a' in 'socket:/a' is not of the form socket:qmp=PATH[,nbd=PATH][,program=NAME]"),
        ("qmp=/a,nbd=/n,nbd=/m", "'socket:qmp=/a,nbd=/n,nbd=/m' says nbd twice of one program"),
        ("qmp=/a,qmp=/a", "'socket:qmp=/a,qmp=/a' names one program twice"),
        ("qmp=/a,port=1", "'port=1' in 'socket:qmp=/a,port=1' is not of the form"),
    ],
)
def test_address_that_is_wrong_is_refused(detail: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        parse_address(detail)


def test_kind_without_an_address_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^'socket' does not say where: "):
        parse("socket")


# Names of files


def test_names_of_files_are_made_absolute_and_short_again() -> None:
    folder = Path("/case")
    options = {"driver": "qcow2", "file": {"driver": "file", "filename": "a.img"}, "backing": None}
    assert socket_files.outward(folder, "blockdev-add", options)["file"]["filename"] == "/case/a.img"
    assert socket_files.outward(folder, "drive-mirror", {"target": "t.img"}) == {"target": "/case/t.img"}
    for kept in ("/x/a.img", "nbd:unix:x", ""):
        assert socket_files.outward(folder, "drive-mirror", {"target": kept}) == {"target": kept}
    assert socket_files.outward(folder, "blockdev-mirror", {"target": "node"}) == {"target": "node"}
    assert socket_files.inward(folder, {"error": ["Could not open '/case/a.img'"]}) == {
        "error": ["Could not open 'a.img'"]
    }


# The lock


def test_lock_is_given_to_the_next_when_its_holder_lets_go(tmp_path: Path) -> None:
    paths = [str(tmp_path / "one")]
    first = socket_lock.acquire(paths, 10)
    with pytest.raises(TimeoutError):
        socket_lock.acquire(paths, 0)
    taken: list[socket_lock.SocketLock] = []
    waiting = threading.Thread(target=lambda: taken.append(socket_lock.acquire(paths, 30)))
    waiting.start()
    first.release()
    waiting.join()
    taken[0].release()


def test_lock_of_the_first_free_program_is_taken(tmp_path: Path) -> None:
    paths = [str(tmp_path / "one"), str(tmp_path / "two")]
    locks = [socket_lock.acquire(paths, 10) for _ in paths]
    assert [lock.index for lock in locks] == [0, 1]
    for lock in locks:
        lock.release()


# What is not there, or not what it should be


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[[bytes | None], str]]:
    """A listener that sends something and hangs up, or None: keeps silent."""
    listener = socket.socket(socket.AF_UNIX)
    kept: list[socket.socket] = []

    def listen(data: bytes | None) -> str:
        listener.bind(str(tmp_path / "fake"))
        listener.listen()

        def answer() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if data is None:
                kept.append(connection)
            else:
                connection.sendall(data)
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        return str(tmp_path / "fake")

    yield listen
    listener.close()
    for connection in kept:
        connection.close()


def refusal(path: object) -> str:
    with pytest.raises(ImplementationUnavailable) as caught:
        parse(f"socket:qmp={path}").probe()
    return str(caught.value)


def test_path_without_a_socket_is_told(tmp_path: Path) -> None:
    assert refusal(tmp_path / "no") == f"cannot connect to {tmp_path / 'no'}: No such file or directory"
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "file") == f"cannot connect to {tmp_path / 'file'}: Connection refused"


def test_socket_that_speaks_no_qmp_is_told(answering: Callable[[bytes | None], str]) -> None:
    path = answering(b"220 mail.example.org ESMTP\r\n")
    assert refusal(path).startswith(f"{path} does not speak QMP: ")


def test_socket_that_hangs_up_is_told(answering: Callable[[bytes | None], str]) -> None:
    path = answering(b"")
    assert refusal(path).startswith(f"{path} does not speak QMP: ")


def test_socket_that_is_silent_is_told_to_be_busy(
    answering: Callable[[bytes | None], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GREETING_LIMIT_S", 0.05)
    path = answering(None)
    assert refusal(path) == f"{path} sends no greeting within 0.05 s: it is busy with another client, or hangs"


# With a program


@pytest.fixture(params=["served", "real"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Program]:
    """The reference on sockets, and a qemu-storage-daemon."""
    folder = tmp_path / "program"
    folder.mkdir()
    more = {} if request.param == "served" else {"argv": [require("qemu-storage-daemon")]}
    options = ["--blockdev", "null-co,node-name=theirs,size=65536", "--export", "nbd,id=theirs,node-name=theirs"]
    with running(folder, options=options, **more) as program:
        yield program


def spec(program: Program) -> str:
    return f"socket:qmp={program.qmp_path},nbd={program.nbd_path}"


def state(program: Program) -> list[Any]:
    monitor = program.qmp()
    queries = ("query-jobs", "query-block-exports", "query-named-block-nodes")
    replies = [monitor.execute(query)["return"] for query in queries]
    monitor.close()
    return [replies[0], [each["id"] for each in replies[1]], [each["node-name"] for each in replies[2]]]


def make_bench(session: Session, folder: Path) -> Bench:
    return Bench(session, Transcript(), frozenset(), folder)


@pytest.mark.slow
@pytest.mark.qemu
def test_everything_is_as_it_was_whatever_a_case_leaves(program: Program, tmp_path: Path) -> None:
    before = state(program)
    assert before == [[], ["theirs"], ["theirs"]]
    implementation = parse(spec(program))
    session = implementation.open(tmp_path)
    try:
        bench = make_bench(session, tmp_path)
        source, target = bench.disk("source", 1024 * KIB, 0x11), bench.disk("target", 1024 * KIB)
        bench.execute("object-add", {"qom-type": "throttle-group", "id": "group", "limits": {"iops-total": 1000}})
        bench.node("throttled", "throttle", file=target.name, throttle_group="group")
        bench.execute("block-dirty-bitmap-add", node="theirs", name="kept")
        guest = bench.guest(source)
        target.hold("write")
        bench.mirror(source, "throttled", auto_finalize=False, auto_dismiss=False)
        target.wait_held()
        guest.start_write(0, 4 * KIB, 0x22)
    finally:
        session.close()
    assert state(program) == before
    assert list(tmp_path.glob("*.sock")) == []
    # And so another one finds it.
    implementation.open(tmp_path).close()


@pytest.mark.slow
@pytest.mark.qemu
def test_program_that_dies_is_a_crash_and_then_unavailable(program: Program, tmp_path: Path) -> None:
    implementation = parse(spec(program))
    session = implementation.open(tmp_path)
    try:
        make_bench(session, tmp_path).disk("source", 64 * KIB)
        program.child.kill_group()
        program.child.wait(LIMIT_S)
        with pytest.raises(ImplementationCrash, match=f"^the program at {program.qmp_path} hung up$"):
            session.wait(lambda: False, "anything")
    finally:
        session.close()
    with pytest.raises(ImplementationUnavailable, match=r": Connection refused$"):
        implementation.open(tmp_path)


@pytest.mark.slow
@pytest.mark.qemu
def test_second_session_of_one_process_needs_a_second_program(program: Program, tmp_path: Path) -> None:
    implementation = parse(spec(program))
    session = implementation.open(tmp_path)
    try:
        with pytest.raises(CaseSkipped, match=r"^needs another instance beside the first"):
            implementation.open(tmp_path)
    finally:
        session.close()


@pytest.mark.slow
@pytest.mark.qemu
def test_jobs_of_others_are_not_touched(program: Program, tmp_path: Path) -> None:
    monitor = program.qmp()
    monitor.execute("blockdev-add", driver="null-co", node_name="copy", size=65536)
    monitor.execute("blockdev-mirror", job_id="theirs", device="theirs", target="copy", sync="none")
    monitor.close()
    with pytest.raises(ImplementationUnavailable, match=r"has jobs already: theirs$"):
        parse(spec(program)).open(tmp_path)
    monitor = program.qmp()
    assert [job["id"] for job in monitor.execute("query-jobs")["return"]] == ["theirs"]
    monitor.close()


@pytest.mark.slow
@pytest.mark.qemu
def test_quit_is_kept_from_it(program: Program, tmp_path: Path) -> None:
    session = parse(spec(program)).open(tmp_path)
    try:
        with pytest.raises(CaseSkipped):
            session.submit_command("quit", {})
    finally:
        session.close()
    assert program.child.status is None


@pytest.mark.slow
@pytest.mark.qemu
def test_it_says_which_program_it_is(program: Program) -> None:
    probe = parse(spec(program)).probe()
    (said,) = [feature for feature in probe.features if feature.startswith("program=")]
    is_served = "mirrorcheck" in probe.version
    assert said == ("program=reference" if is_served else "program=qemu-storage-daemon")
    named = parse(f"{spec(program)},program=mine").probe()
    assert "program=mine" in named.features
