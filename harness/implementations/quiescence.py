"""When a real program is at rest: nothing more can happen in it unless time passes or somebody asks for something.

The kernel knows. A thread that sleeps is woken by whoever writes to what it waits for, before that write returns; so
when every thread of the program sleeps, and nothing that it has sent lies unread here, and nothing waits to be sent
from here, then all is quiet, however slow or busy the machine is. A program that sits in its main loop until a held
request completes, and answers nobody meanwhile, is at rest like any other.

That nothing is left to do on this side is what an event loop knows when it is about to wait; so it is asked there.

Source: proc(5), `status`: State and the numbers of context switches.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import time
from collections.abc import Callable

from harness import process_tree

YIELDS_MAX = 20
"""So often the program is looked at again at once; most of what it does takes a few microseconds."""

PAUSE_S = 0.001
"""Then so long is waited between two looks, unless something comes."""

_RUNNING = "R"
_ASLEEP = b"S"
_ENDED = (b"Z", b"X")
_STATE = b"\nState:\t"
_SWITCHES = b"\nvoluntary_ctxt_switches:\t"


class Threads:
    """All threads of some processes, which are looked at by way of /proc.

    :param pids: processes; one that has ended sleeps for ever. :ivar folders: where their threads are listed.
    """

    def __init__(self, pids: list[int]) -> None:
        self.folders = [f"/proc/{pid}/task" for pid in pids]
        self._files: dict[str, int] = {}

    @staticmethod
    def can_see(pid: int) -> bool:
        """Whether /proc says who runs, and shows this process."""
        return _state_of_this_thread() == _RUNNING and os.access(f"/proc/{pid}/task/{pid}/status", os.R_OK)

    @property
    def asleep(self) -> bool:
        """Whether all of them sleep, and slept at one and the same moment.

        They are looked at one after the other, so that is only known when none of them has run between two looks.
        """
        before = self._look()
        return before is not None and self._look() == before

    def _look(self) -> dict[str, bytes] | None:
        """By thread how often it has been put to sleep; None when one of them runs."""
        found: dict[str, bytes] = {}
        for folder in self.folders:
            try:
                names = os.listdir(folder)
            except OSError:
                continue
            for name in names:
                path = f"{folder}/{name}/status"
                text = self._read(path)
                at = text.find(_STATE) + len(_STATE)
                if text[at : at + 1] in _ENDED or not text:
                    continue
                if text[at : at + 1] != _ASLEEP:
                    return None
                found[path] = text[text.find(_SWITCHES) :]
        return found

    def _read(self, path: str) -> bytes:
        """What is in a file of /proc, empty when its thread has ended."""
        file = self._files.get(path)
        try:
            if file is None:
                file = self._files[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(file, 4096, 0)
        except OSError:
            self._forget(path)
            return b""

    def _forget(self, path: str) -> None:
        file = self._files.pop(path, None)
        if file is not None:
            os.close(file)

    def close(self) -> None:
        """Close every file. May be called twice."""
        for path in list(self._files):
            self._forget(path)


def threads_of(pid: int, socket_inode: int) -> Threads | None:
    """The threads of a program that was started as `pid`, and which holds a socket.

    What was started may be a shell that starts the program; the program is whoever below it holds the socket.

    :param socket_inode: the inode of the program's end of its control connection.
    :return: None when nobody seems to hold it, or when /proc does not say who runs: then there is no knowing.
    """
    if _state_of_this_thread() != _RUNNING:
        return None
    pids = [pid, *(found.pid for found in process_tree.list_descendants(pid))]
    holders = [holder for holder in pids if _holds(holder, f"socket:[{socket_inode}]")]
    return Threads(holders) if holders else None


def _state_of_this_thread() -> str:
    """One letter: R, unless this is a kernel that only pretends."""
    try:
        with open("/proc/thread-self/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(") ")[2][:1]
    except OSError:
        return ""


def _holds(pid: int, name: str) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        descriptors = os.listdir(folder)
    except OSError:
        return False
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            if os.readlink(f"{folder}/{descriptor}") == name:
                return True
    return False


class RestSelector(selectors.EpollSelector):
    """The selector of an event loop that can be asked to say when a program is at rest.

    A loop calls `select` with a time to wait only when it has nothing left to do, and then this looks at the program.
    """

    def __init__(self) -> None:
        super().__init__()
        self._threads: Threads | None = None
        self._on_rest: Callable[[], None] | None = None

    def watch(self, threads: Threads, on_rest: Callable[[], None]) -> None:
        """Call `on_rest`, from within the loop, whenever these threads are at rest and nothing is left to do here."""
        self._threads = threads
        self._on_rest = on_rest

    def unwatch(self) -> None:
        """Look no more."""
        self._threads = self._on_rest = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """As the base class; returns nothing as soon as `on_rest` was called."""
        threads, on_rest = self._threads, self._on_rest
        if threads is None or on_rest is None or (timeout is not None and timeout <= 0):
            return super().select(timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        looks = 0
        while True:
            ready = super().select(0 if looks < YIELDS_MAX else PAUSE_S)
            if ready or (deadline is not None and time.monotonic() >= deadline):
                return ready
            if threads.asleep:
                # What it sent before it went to sleep is here by now.
                ready = super().select(0)
                if not ready:
                    on_rest()
                return ready
            looks += 1
            if looks < YIELDS_MAX:
                os.sched_yield()
