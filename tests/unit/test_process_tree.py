"""Finding, killing and reaping what is below a process."""

from __future__ import annotations

import os

import pytest
from child_processes import LIMIT_S, READY_THEN_SLEEP, run_python, start_ready

from harness import process_tree, processes


def test_inspect_process_shows_command_and_parent() -> None:
    with start_ready(READY_THEN_SLEEP) as child:
        found = process_tree.inspect_process(child.pid)
        assert found is not None
        assert found.parent_pid == os.getpid()
        assert not found.ending


def test_inspect_process_killed_is_ending() -> None:
    with start_ready(READY_THEN_SLEEP) as child:
        child.kill_group()
        found = process_tree.inspect_process(child.pid)
        assert found is not None
        assert found.ending


def test_inspect_process_gone_is_none() -> None:
    with processes.start(["/bin/true"]) as child:
        child.wait(LIMIT_S)
    assert process_tree.inspect_process(child.pid) is None


def test_list_descendants_without_kernel_lists_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with start_ready("sleep 1000 & echo ready; wait") as child:
        expected = [found.pid for found in process_tree.list_descendants(child.pid)]
        read = process_tree._read

        def read_without_children(path: str) -> bytes:
            if path.endswith("/children"):
                raise FileNotFoundError(path)
            return read(path)

        monkeypatch.setattr(process_tree, "_read", read_without_children)
        monkeypatch.setattr(process_tree, "_kernel_lists_children", lambda: False)
        assert [found.pid for found in process_tree.list_descendants(child.pid)] == expected
        assert len(expected) == 1


def test_kill_descendants_daemonized_are_found_killed_and_reaped() -> None:
    done = run_python("""
import os, subprocess
from harness import process_tree, processes
processes.become_subreaper()
assert not process_tree.has_children()
# Another session, its parent gone, nothing inherited: as far away as a daemon gets.
read_end, write_end = os.pipe()
subprocess.run(["/bin/sh", "-c", f"setsid sh -c 'sleep 1001 & echo ready >&{write_end}; exec sleep 1002' &"],
               pass_fds=[write_end])
assert os.read(read_end, 6) == b"ready\\n"
assert process_tree.has_children()
print(len(process_tree.kill_descendants(os.getpid())))
assert not process_tree.has_children()
""")
    assert done.stderr == ""
    assert done.stdout == "2\n"


def test_kill_descendants_spares_whom_it_is_told_to() -> None:
    done = run_python("""
import os
from harness import process_tree, processes
with processes.start(["/bin/sleep", "1000"]) as spared, processes.start(["/bin/sleep", "1000"]) as other:
    killed = process_tree.kill_descendants(os.getpid(), spare=[spared.pid])
    assert [found.pid for found in killed] == [other.pid]
    assert spared.status is None
""")
    assert done.stderr == ""
    assert done.returncode == 0


def test_kill_descendants_zombie_is_reaped_and_not_blamed() -> None:
    done = run_python("""
import os, select
from harness import process_tree, processes
pid = os.fork()
if pid == 0:
    os._exit(3)
select.select([os.pidfd_open(pid)], [], [])
assert process_tree.has_children()
assert process_tree.reap_zombies(spare=[pid]) == {}
assert process_tree.reap_zombies() == {pid: 3}
assert process_tree.kill_descendants(os.getpid()) == []
""")
    assert done.stderr == ""
    assert done.returncode == 0
