"""Standard input and output as one end of a connection."""

from __future__ import annotations

import os
import socket
import threading

PIECE_BYTES = 64 << 10


def connect() -> socket.socket:
    """Return a connection whose other end is standard input and output.

    They may be files or a terminal, which an event loop cannot wait for; so two threads do, which end with the process.
    """
    ours, theirs = socket.socketpair()
    for pump in (_from_stdin, _to_stdout):
        threading.Thread(target=pump, args=(theirs,), daemon=True).start()
    ours.setblocking(False)
    return ours


def _from_stdin(connection: socket.socket) -> None:
    try:
        while data := os.read(0, PIECE_BYTES):
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # our own end is closed


def _to_stdout(connection: socket.socket) -> None:
    try:
        while data := connection.recv(PIECE_BYTES):
            while data:
                data = data[os.write(1, data) :]
    except OSError:
        connection.close()  # nobody listens
