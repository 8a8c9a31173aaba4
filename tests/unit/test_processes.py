"""Starting processes, waiting for them, ending them."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from child_processes import LIMIT_S, READY_THEN_SLEEP, run_python, start_ready

from harness import process_tree, processes


def test_start_program_that_ends_gives_its_status() -> None:
    with processes.start(["/bin/sh", "-c", "exit 7"]) as child:
        assert child.wait(LIMIT_S) == 7
        assert child.status == 7


def test_start_missing_program_names_it() -> None:
    with pytest.raises(FileNotFoundError, match=r"^\[Errno 2\] no such program: '/nowhere/qemu'$"):
        processes.start(["/nowhere/qemu"])


def test_start_file_that_is_no_program_names_it(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("not executable")
    with pytest.raises(PermissionError, match=rf"^\[Errno 13\] is not executable: '{re.escape(str(plain))}'$"):
        processes.start([plain])


def test_start_folder_names_it(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match=r"^\[Errno 21\] is a directory, not a program: '.*'$"):
        processes.start([tmp_path])


def test_start_failing_leaves_no_descriptor_open() -> None:
    processes.start(["/bin/true"]).close()
    before = sorted(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        processes.start(["/bin/true"], cwd=Path("/nowhere"))
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_close_leaves_no_descriptor_open() -> None:
    processes.start(["/bin/true"]).close()
    before = sorted(os.listdir("/proc/self/fd"))
    processes.start(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE).close()
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_start_passes_only_the_descriptors_given() -> None:
    read_end, write_end = os.pipe()
    os.set_inheritable(read_end, True)
    with processes.start(["/bin/ls", "/proc/self/fd"], pass_fds=[write_end], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        numbers = {int(word) for word in child.stdout.read().split()}
    os.close(read_end)
    os.close(write_end)
    # ls itself opens the folder that it lists, under the lowest free number.
    assert numbers == {0, 1, 2, 3, write_end}


def test_pidfd_process_ends_becomes_readable() -> None:
    with start_ready(READY_THEN_SLEEP) as child:
        assert not select.select([child.pidfd], [], [], 0)[0]
        child.kill_group()
        assert select.select([child.pidfd], [], [], LIMIT_S)[0]
        assert child.wait() == -signal.SIGKILL


def test_wait_beyond_limit_names_the_process() -> None:
    with (
        start_ready(READY_THEN_SLEEP) as child,
        pytest.raises(TimeoutError, match=rf"^process {child.pid} \(/bin/sh -c .*\) still runs after 0 s$"),
    ):
        child.wait(0)


def test_kill_group_reaches_what_the_child_started() -> None:
    with start_ready("sleep 1000 & echo ready; wait") as child:
        (below,) = process_tree.list_descendants(child.pid)
        descriptor = os.pidfd_open(below.pid)
        child.kill_group()
        assert select.select([descriptor], [], [], LIMIT_S)[0]
        os.close(descriptor)


def test_kill_group_after_wait_does_nothing() -> None:
    with processes.start(["/bin/true"]) as child:
        child.wait(LIMIT_S)
        child.kill_group()


def test_stderr_tail_keeps_the_end_and_shows_strange_bytes() -> None:
    with processes.start(["/bin/sh", "-c", r"printf 'first\n\377last' >&2"]) as child:
        child.wait(LIMIT_S)
        assert child.stderr_tail() == "first\n\\xfflast"
        assert child.stderr_tail(5) == "\\xfflast"
    assert child.stderr_tail() == "first\n\\xfflast"


def test_stderr_to_a_file_is_appended_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "stderr"
    for word in ("one", "two"):
        with processes.start(["/bin/sh", "-c", f"echo {word} >&2"], stderr=path) as child:
            child.wait(LIMIT_S)
    assert child.stderr_tail() == "one\ntwo\n"
    assert path.read_text() == "one\ntwo\n"


@pytest.mark.parametrize("has_setpriv", [True, False])
def test_parent_killed_kills_the_child(has_setpriv: bool) -> None:
    code = f"""
import os, subprocess
from harness import processes
if not {has_setpriv}:
    processes._setpriv = lambda: None
child = processes.start(["/bin/sh", "-c", "echo ready; exec sleep 1000"], stdout=subprocess.PIPE)
child.stdout.read(6)
print(child.pid, flush=True)
input()
os.kill(os.getpid(), 9)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        descriptor = os.pidfd_open(int(parent.stdout.readline()))
        parent.communicate(b"\n")
        assert parent.returncode == -signal.SIGKILL
        assert select.select([descriptor], [], [], LIMIT_S)[0]
        os.close(descriptor)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0, "ended with status 0"),
        (3, "ended with status 3"),
        (-11, "was killed by SIGSEGV"),
        (-63, "was killed by signal 63"),
    ],
)
def test_describe_status_says_how_it_ended(status: int, words: str) -> None:
    assert processes.describe_status(status) == words


def test_die_with_parent_that_died_already_dies_at_once() -> None:
    done = run_python("""
from harness import processes
processes.die_with_parent(1 << 21)
""")
    assert done.returncode == -signal.SIGKILL
