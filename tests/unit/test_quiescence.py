"""When a program is at rest: what the kernel says of its threads, and when an event loop that watches it is told."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.implementations import quiescence, storage_daemon
from harness.implementations.base import PendingRequest
from harness.implementations.quiescence import RestSelector, Threads, threads_of
from harness.implementations.storage_daemon import DaemonSession
from harness.storage import HeldStorage, Operation

LIMIT_S = 30.0

needs_qemu = pytest.mark.skipif(shutil.which("qemu-storage-daemon") is None, reason="no qemu-storage-daemon here")

TWO_THREADS = """
import signal, threading
threading.Thread(target={target}, daemon=True).start()
print("begun", flush=True)
signal.pause()
"""


@pytest.fixture
def start() -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts Python programs and waits until they have printed a line."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(text: str) -> subprocess.Popen[bytes]:
        program = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE)
        started.append(program)
        assert program.stdout is not None
        assert program.stdout.readline() == b"begun\n"
        return program

    yield begin
    for program in started:
        program.kill()
        program.wait()
        assert program.stdout is not None
        program.stdout.close()


def comes_to_sleep(threads: Threads) -> bool:
    """Whether they all sleep within the limit, which only a program that never does exceeds."""
    deadline = time.monotonic() + LIMIT_S
    while not threads.asleep:
        if time.monotonic() > deadline:
            return False
    return True


def never_asleep(threads: Threads) -> bool:
    return not any(threads.asleep for _ in range(200))


def test_a_program_whose_threads_all_wait_sleeps(start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    threads = Threads([start(TWO_THREADS.format(target="threading.Event().wait")).pid])
    assert comes_to_sleep(threads)
    threads.close()


def test_a_program_one_of_whose_threads_runs_does_not_sleep(start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    threads = Threads([start(TWO_THREADS.format(target="lambda: [None for _ in iter(int, 1)]")).pid])
    assert never_asleep(threads)
    threads.close()


def test_a_stopped_program_does_not_sleep(start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    program = start(TWO_THREADS.format(target="threading.Event().wait"))
    program.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, program.pid, os.WSTOPPED | os.WNOWAIT)
    threads = Threads([program.pid])
    assert never_asleep(threads)
    threads.close()


def test_of_two_programs_both_must_sleep(start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    one = start(TWO_THREADS.format(target="threading.Event().wait"))
    other = start(TWO_THREADS.format(target="lambda: [None for _ in iter(int, 1)]"))
    threads = Threads([one.pid, other.pid])
    assert never_asleep(threads)
    threads.close()


def test_a_program_that_has_ended_sleeps_for_ever(start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    program = start(TWO_THREADS.format(target="threading.Event().wait"))
    threads = Threads([program.pid])
    program.kill()
    os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
    assert threads.asleep
    program.wait()
    assert threads.asleep
    threads.close()


def test_the_files_of_threads_are_closed(start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    threads = Threads([os.getpid()])
    assert not threads.asleep
    threads.close()
    threads.close()
    assert sorted(os.listdir("/proc/self/fd")) == before


# Who is looked at


def test_the_program_below_a_shell_is_found_by_its_socket() -> None:
    ours, theirs = socket.socketpair()
    inode = os.fstat(theirs.fileno()).st_ino
    # The second command keeps the shell from becoming the program itself.
    script = f"{sys.executable} -c 'print(0, flush=True); import signal; signal.pause()'; true"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, pass_fds=[theirs.fileno()]) as shell:
        theirs.close()
        try:
            assert shell.stdout is not None
            shell.stdout.readline()
            found = threads_of(shell.pid, inode)
            assert found is not None
            assert len(found.folders) == 2  # the shell has inherited it as well
            assert threads_of(shell.pid, inode + 1) is None
            found.close()
        finally:
            for below in quiescence.process_tree.list_descendants(shell.pid):
                os.kill(below.pid, signal.SIGKILL)
            shell.kill()
    ours.close()


def test_where_the_kernel_does_not_say_who_runs_there_is_no_knowing(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    inode = os.fstat(theirs.fileno()).st_ino
    found = threads_of(os.getpid(), inode)
    assert found is not None
    found.close()
    monkeypatch.setattr(quiescence, "_state_of_this_thread", lambda: "S")
    assert threads_of(os.getpid(), inode) is None
    ours.close()
    theirs.close()


# The event loop that is told

ANSWERING = """
import socket, sys
connection = socket.socket(fileno={fd})
print("begun", flush=True)
while connection.recv(1):
    sum(range(300000))
    connection.send(b"answer")
"""


def test_rest_is_told_only_when_what_was_sent_last_has_been_answered() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    inode = os.fstat(theirs.fileno()).st_ino
    program = subprocess.Popen(
        [sys.executable, "-c", ANSWERING.format(fd=theirs.fileno())],
        stdout=subprocess.PIPE,
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    assert program.stdout is not None
    program.stdout.readline()
    selector = RestSelector()
    loop = asyncio.SelectorEventLoop(selector)
    threads = threads_of(program.pid, inode)
    assert threads is not None
    heard: list[bytes] = []

    async def ask_and_rest(times: int) -> None:
        loop.add_reader(ours, lambda: heard.append(ours.recv(100)))
        for number in range(times):
            ours.send(b"?")
            rested = loop.create_future()
            selector.watch(threads, lambda rested=rested: None if rested.done() else rested.set_result(None))
            await asyncio.wait_for(rested, LIMIT_S)
            selector.unwatch()
            assert len(heard) == number + 1
        loop.remove_reader(ours)

    loop.run_until_complete(ask_and_rest(20))
    loop.close()
    threads.close()
    ours.close()
    program.wait(LIMIT_S)
    program.stdout.close()


# Sessions


def a_mirrored_disk(folder: Path) -> tuple[DaemonSession, HeldStorage]:
    """A session with a mirror that has just been asked to complete, and the target's flush is held."""
    session = DaemonSession("qemu-storage-daemon", folder, LIMIT_S)
    source, target = HeldStorage("source", 65536), HeldStorage("target", 65536)
    source.fill(0x11)
    session.attach("source", source)
    session.attach("target", target)
    session.submit_command(
        "blockdev-mirror", {"job-id": "job0", "device": "source", "target": "target", "sync": "full"}
    )
    session.wait(lambda: any(event.name == "BLOCK_JOB_READY" for event in session.events), "READY")
    session.settle()
    target.hold(Operation.FLUSH)
    session.submit_command("job-complete", {"id": "job0"})
    return session, target


@needs_qemu
@pytest.mark.parametrize("is_looked_at", [True, False])
def test_a_program_that_answers_nobody_until_a_flush_is_done_is_at_rest(
    tmp_path: Path, is_looked_at: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_looked_at:
        monkeypatch.setattr(storage_daemon, "threads_of", lambda pid, inode: None)
    session, target = a_mirrored_disk(tmp_path)
    try:
        session.settle()
        (flush,) = target.held
        asked = session.submit_command("query-jobs", {})
        session.settle()
        target.clear_rules()
        flush.release()
        session.settle()
        assert asked.done
        session.wait(lambda: session.events[-1].data.get("status") == "null", "the end")
    finally:
        session.close()


@needs_qemu
def test_a_program_that_cannot_be_looked_at_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_daemon, "threads_of", lambda pid, inode: None)
    session = DaemonSession("qemu-storage-daemon", tmp_path, LIMIT_S)
    try:
        disk = HeldStorage("disk", 65536)
        disk.hold(Operation.WRITE)
        session.attach("disk", disk)
        request = PendingRequest(Operation.WRITE, 0, 512, bytes(512))
        session.open_guest("disk").submit(request)
        session.settle()
        (held,) = disk.held
        held.release()
        session.settle()
        assert request.done
    finally:
        session.close()
