"""What lives below a process: listing it, killing it, reaping it, by what /proc says.

In a child sub-reaper (`harness.processes.become_subreaper`) the list is complete: a process that daemonizes, changes
its session or loses its parent stays below it. Nothing here mistakes a later process for an earlier one of the same
number, and nothing blames a process that is dying already.

Source: proc(5), wait(2), pidfd_send_signal(2).
"""

from __future__ import annotations

import functools
import os
import signal
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from harness.processes import KILL_LIMIT_S, wait_readable

WAIT_ALL_KINDS = 0x40000000  # __WALL: children made by a clone() with another exit signal count as well
FLAG_EXITING = 0x4  # PF_EXITING in the flags of /proc/PID/stat


class ProcessInfo(NamedTuple):
    """What /proc says about a process at one moment."""

    pid: int
    parent_pid: int
    state: str  #: one letter, as in proc(5): R, S, D, T, Z ...
    command: str  #: its command line, or its name in square brackets when it has none (a zombie)
    started_ticks: int  #: when it started, in clock ticks since boot: tells it from a later process of that number
    ending: bool  #: it is a zombie, is being torn down, or has a SIGKILL pending: it will be gone by itself

    def __str__(self) -> str:
        return f"process {self.pid} ({self.command})"


def has_children() -> bool:
    """Whether this process has any child at all, zombies included. In a sub-reaper: whether anything lives below it."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT | WAIT_ALL_KINDS)
    except ChildProcessError:
        return False
    return True


def inspect_process(pid: int) -> ProcessInfo | None:
    """What /proc says about a process, or None when there is none with that number."""
    try:
        folder = f"/proc/{pid}"
        stat = _read(f"{folder}/stat").decode("utf-8", "backslashreplace")
        name = stat[stat.index("(") + 1 : stat.rindex(")")]
        fields = stat[stat.rindex(")") + 2 :].split()
        command = _read(f"{folder}/cmdline").rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "backslashreplace")
        state = fields[0]
        ending = state in "ZX" or bool(int(fields[6]) & FLAG_EXITING) or _has_kill_pending(folder)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return ProcessInfo(pid, int(fields[1]), state, command or f"[{name}]", int(fields[19]), ending)


def _has_kill_pending(folder: str) -> bool:
    """A killed process goes on existing for a moment; nobody shall be blamed for that moment."""
    bit = 1 << (signal.SIGKILL - 1)
    for line in _read(f"{folder}/status").splitlines():
        if line.startswith((b"SigPnd:", b"ShdPnd:")) and int(line.split()[1], 16) & bit:
            return True
    return False


def list_descendants(pid: int) -> list[ProcessInfo]:
    """Every process below one, parents before their children; processes that end meanwhile may be missing."""
    found: list[ProcessInfo] = []
    pending = [pid]
    while pending:
        for child_pid in _list_children(pending.pop(0)):
            information = inspect_process(child_pid)
            if information is not None:
                found.append(information)
                pending.append(child_pid)
    return found


def _list_children(pid: int) -> list[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except (FileNotFoundError, ProcessLookupError):
        return []
    children: list[int] = []
    for thread in threads:
        try:
            children.extend(int(word) for word in _read(f"/proc/{pid}/task/{thread}/children").split())
        except (FileNotFoundError, ProcessLookupError):
            # The thread has just ended, or the kernel was built without PROC_CHILDREN: then the long way round.
            if os.path.exists(f"/proc/{pid}") and not _kernel_lists_children():
                return [found.pid for found in _all_processes() if found.parent_pid == pid]
    return sorted(children)


@functools.cache
def _kernel_lists_children() -> bool:
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")


def _all_processes() -> Iterator[ProcessInfo]:
    for name in os.listdir("/proc"):
        information = inspect_process(int(name)) if name.isdigit() else None
        if information is not None:
            yield information


def kill_descendants(pid: int, spare: Iterable[int] = (), limit_s: float = KILL_LIMIT_S) -> list[ProcessInfo]:
    """Kill every process below one, again and again until nothing lives there, and reap those that are ours.

    The process itself is left alone. When it is a sub-reaper and cannot start anything new (it is the caller, or
    it is stopped), nothing can escape: what is orphaned meanwhile turns up below it.

    :param spare: pids to leave alone, with everything below them.
    :param limit_s: how long killed processes may take to end.
    :return: those that were killed, in the order found; processes that were ending already are not among them.
    :raise TimeoutError: when one does not end; the text names it.
    """
    spared = frozenset(spare)
    killed: dict[int, ProcessInfo] = {}
    deadline = time.monotonic() + limit_s
    while True:
        if pid == os.getpid():
            reap_zombies(spared)
        living = [found for found in _list_below(pid, spared) if found.state not in "ZX"]
        if not living:
            return list(killed.values())
        if time.monotonic() > deadline:
            raise TimeoutError(f"new processes have come up for {limit_s:g} s, the last is {living[-1]}")
        for found in living:
            if not found.ending:
                killed.setdefault(found.pid, found)
        descriptors = [descriptor for found in living if (descriptor := _kill_and_watch(found)) is not None]
        try:
            for descriptor in descriptors:
                if not wait_readable(descriptor, max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(f"{living[0]} does not end within {limit_s:g} s of being killed")
        finally:
            for descriptor in descriptors:
                os.close(descriptor)


def _list_below(pid: int, spared: frozenset[int]) -> list[ProcessInfo]:
    below = list_descendants(pid)
    hidden = set(spared)
    for found in below:  # parents come first, so one pass is enough
        if found.parent_pid in hidden:
            hidden.add(found.pid)
    return [found for found in below if found.pid not in hidden]


def _kill_and_watch(found: ProcessInfo) -> int | None:
    """Kill exactly that process; None when it has ended (a pidfd never means a later process of that number)."""
    try:
        descriptor = os.pidfd_open(found.pid)
    except ProcessLookupError:
        return None
    try:
        now = inspect_process(found.pid)
        if now is None or now.started_ticks != found.started_ticks:
            raise ProcessLookupError(f"{found} has ended")
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except ProcessLookupError:
        os.close(descriptor)
        return None
    return descriptor


def reap_zombies(spare: Iterable[int] = ()) -> dict[int, int]:
    """Collect the ended children of this process, orphans that it inherited included. Does not wait.

    :param spare: children that somebody else waits for.
    :return: how each ended, by pid, as `describe_status` reads it.
    """
    spared = frozenset(spare)
    reaped: dict[int, int] = {}
    for child_pid in _list_children(os.getpid()):
        if child_pid in spared:
            continue
        try:
            found, status = os.waitpid(child_pid, os.WNOHANG | WAIT_ALL_KINDS)
        except ChildProcessError:
            continue
        if found:
            reaped[found] = os.waitstatus_to_exitcode(status)
    return reaped


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return b"".join(iter(lambda: os.read(descriptor, 65536), b""))
    finally:
        os.close(descriptor)
