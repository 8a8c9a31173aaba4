"""Standard input and output as one end of a connection."""

from __future__ import annotations

import os
import socket
import threading

PIECE_BYTES = 64 << 10


def connect() -> tuple[socket.socket, threading.Thread]:
    """Return a connection whose other end is standard input and output.

    They may be files or a terminal, which an event loop cannot wait for; so two threads do, which end with the process.

    :return: the connection, and the thread that ends when all that was written to it has been printed.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    threading.Thread(target=_from_stdin, args=(theirs,), daemon=True).start()
    printing = threading.Thread(target=_to_stdout, args=(theirs,), daemon=True)
    printing.start()
    return ours, printing


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
