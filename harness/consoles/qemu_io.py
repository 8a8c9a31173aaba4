"""``qemu-io``, on a socket, where it neither echoes nor draws, or on a terminal of its own.

What it prints on its standard error comes at its place among the answers.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

from harness import processes
from harness.consoles.console import Console, Host
from harness.errors import ImplementationUnavailable

PROMPT = "qemu-io> "


def beside(program: str, kind: str) -> str | None:
    """The ``qemu-io`` of the same build as a program: beside it, under a name that is made alike.

    :param program: a path or a name; ``qemu-storage-daemon-v9`` goes with ``qemu-io-v9``.
    :param kind: what of its name says what it is.
    :return: a path, or None when there is none.
    """
    try:
        path = Path(processes.find_program(program))
    except OSError:
        return None
    if kind not in path.name:
        return None
    # A build tree has the daemon in a folder of its own.
    folders = [path.parent, path.parent.parent] if path.parent.name == "storage-daemon" else [path.parent]
    for folder in folders:
        candidate = folder / path.name.replace(kind, "qemu-io")
        if os.access(candidate, os.X_OK):
            return str(candidate)
    return None


def start(host: Host, program: str, arguments: Sequence[str], folder: Path, *, terminal: bool = False) -> Console:
    """Start a ``qemu-io`` and wait for its prompt.

    :param folder: where it runs. :param terminal: whether it sits on a terminal, where it edits lines.
    :raise ImplementationUnavailable: when it cannot be started.
    :raise ImplementationCrash: when it ends at once, as when it cannot open what it is to open.
    """
    if terminal:
        ours, theirs = os.openpty()
    else:
        ours, theirs = (end.detach() for end in socket.socketpair())
    try:
        child = processes.start([program, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder)
    except OSError as error:
        os.close(ours)
        raise ImplementationUnavailable(f"cannot start {program}: {error.strerror or error}") from error
    finally:
        os.close(theirs)
    return Console(host, ours, PROMPT, echoes=terminal, child=child)
