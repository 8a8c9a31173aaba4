"""Unix sockets that only their owner may open, on paths where a killed run may have left one.

Source: unix(7) for the length of a path; mode 0600 because who may open a monitor may do everything.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat

from harness.nbd.server import MAX_PATH_LENGTH


def listen(path: str, backlog: int) -> socket.socket:
    """Make a listening socket of mode 0600. One that is left over, which nobody listens to, is replaced.

    :raise OSError: when that cannot be; its ``strerror`` says why.
    """
    if len(os.fsencode(path)) > MAX_PATH_LENGTH:
        raise OSError(errno.ENAMETOOLONG, f"UNIX socket path is too long, more than {MAX_PATH_LENGTH} bytes", path)
    _remove_left_over(path)
    listener = socket.socket(socket.AF_UNIX)
    # The mode comes with the file, so that there is no moment at which others could open it. Nothing else runs in this
    # process between the two.
    previous = os.umask(0o177)
    try:
        listener.bind(path)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(previous)
    listener.setblocking(False)
    listener.listen(backlog)
    return listener


def connect(path: str) -> socket.socket:
    """Connect to a listening socket.

    :raise OSError: when that cannot be.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    connection.setblocking(False)
    return connection


def identity(path: str) -> tuple[int, int] | None:
    """What tells a file from another one that took its place; None when there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def remove(path: str, ours: tuple[int, int] | None) -> None:
    """Remove a socket, unless somebody else's has taken its place meanwhile."""
    if ours is not None and identity(path) == ours:
        with contextlib.suppress(OSError):
            os.unlink(path)


def _remove_left_over(path: str) -> None:
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return  # to bind will say that it is in use, and nobody's file is removed
    except OSError:
        return
    try:
        connect(path).close()
    except ConnectionRefusedError:
        os.unlink(path)
    except OSError:
        return
