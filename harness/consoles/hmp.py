"""The human monitor as a console: on the emulator's standard input and output, or on a terminal that it makes itself.

Either way the emulator edits lines, and draws them anew with every key (real-qemu H).
"""

from __future__ import annotations

import os
import tty

from harness.consoles.console import Console, Host
from harness.errors import ProtocolViolation

PROMPT = "(qemu) "


def on_stdio(host: Host, terminal_fd: int) -> Console:
    """Talk over the other end of the terminal that the emulator was given."""
    return Console(host, terminal_fd, PROMPT, echoes=True)


def on_pty(host: Host, filename: str) -> Console:
    """Talk over the terminal that the emulator made.

    :param filename: what ``query-chardev`` says of it: ``pty:/dev/pts/1``.
    :raise ProtocolViolation: when that is no terminal.
    """
    scheme, _, path = filename.partition(":")
    if scheme != "pty" or not path:
        raise ProtocolViolation(f"the terminal of the monitor is {filename!r}, which is not of the form pty:PATH")
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    tty.setraw(descriptor)  # the line editor is at the other end
    return Console(host, descriptor, PROMPT, echoes=True)
