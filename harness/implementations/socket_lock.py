"""Who may use a running program now: one session at a time, among all processes of this machine.

A program serves one QMP client at a time, or should; two sessions on it would see each other's nodes, jobs and events.
So a session first takes a lock that is named after the program's socket. It is a socket of its own in Linux's abstract
namespace: it is gone with whoever held it, however that ended, it leaves no file, and to wait for its end is to wait
for a connection to it to end.

Source: unix(7), "Abstract".
"""

from __future__ import annotations

import errno
import hashlib
import os
import select
import socket
import time
from collections.abc import Sequence

WAITERS_MAX = 128


class SocketLock:
    """One of several programs, for us alone until `release`.

    :ivar index: which one.
    """

    def __init__(self, index: int, path: str, holder: socket.socket) -> None:
        self.index = index
        self._path = path
        self._holder = holder
        _held.add(path)

    def release(self) -> None:
        """Let others have it. May be called twice."""
        _held.discard(self._path)
        self._holder.close()


_held: set[str] = set()


def held(paths: Sequence[str]) -> list[str]:
    """Those of the programs that this process has."""
    return [path for path in paths if path in _held]


def acquire(paths: Sequence[str], limit_s: float) -> SocketLock:
    """Wait until one of some programs is free, and take it; the first of several.

    :param paths: their sockets.
    :raise TimeoutError: when none was free within the limit.
    """
    names = [_name(path) for path in paths]
    deadline_s = time.monotonic() + limit_s
    while True:
        for index, name in enumerate(names):
            holder = _try_to_hold(name)
            if holder is not None:
                return SocketLock(index, paths[index], holder)
        _wait_for_any_end(names, deadline_s)


def _name(path: str) -> bytes:
    return b"\0mirrorcheck-" + hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest().encode()


def _try_to_hold(name: bytes) -> socket.socket | None:
    holder = socket.socket(socket.AF_UNIX)
    try:
        holder.bind(name)
        holder.listen(WAITERS_MAX)
    except OSError as error:
        holder.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise
    return holder


def _wait_for_any_end(names: Sequence[bytes], deadline_s: float) -> None:
    """Return when one of the holders has let go, or might have.

    :raise TimeoutError: when the time is over first.
    """
    waiting: list[socket.socket] = []
    try:
        poll = select.poll()
        for name in names:
            connection = socket.socket(socket.AF_UNIX)
            waiting.append(connection)
            try:
                connection.connect(name)
            except ConnectionRefusedError:
                return
            poll.register(connection, select.POLLIN)
        left_s = deadline_s - time.monotonic()
        if left_s <= 0 or not poll.poll(left_s * 1000):
            raise TimeoutError
    finally:
        for connection in waiting:
            connection.close()
