"""Cuts a byte stream into messages: the part of a connection that server and client share.

The owner says what it waits for with expect(); when that many bytes have come, its handler gets them and says what
comes next. Memory is bounded by the largest length ever expected: nothing is read ahead beyond one buffer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_BUFFER_SIZE = 256 << 10

Handler = Callable[[memoryview], None]


class MessageStream(asyncio.BufferedProtocol):
    """One side of a connection.

    Subclasses override connected(), ended() and writable_again(). A BufferedProtocol receives into our buffer, so that
    a payload is copied once, on its way from there into its own bytes object; asyncio's StreamReader copies it thrice.

    :ivar transport: None before the connection is made.
    """

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._buffer = memoryview(bytearray(_BUFFER_SIZE))
        self._start = 0
        self._end = 0
        self._need = 0
        self._handler: Handler | None = None
        self._is_held = False
        self._is_closed = False
        self._is_delivering = False

    # For subclasses

    def connected(self) -> None:
        """The connection is there."""

    def ended(self, error: Exception | None) -> None:
        """The connection is gone: nothing more comes, nothing can be sent. Called once."""

    def writable_again(self) -> None:
        """The other side has read enough of what was sent to it."""

    def congested(self) -> None:
        """The other side does not read what is sent to it."""

    def progressed(self) -> None:
        """Bytes have come, whole messages or not."""

    def expect(self, length: int, handler: Handler) -> None:
        """Pass the next ``length`` bytes to a handler.

        The handler must not keep the memoryview: it is valid only during the call. Until a handler expects something
        in turn, the same length and handler stay in force.
        """
        self._need = length
        self._handler = handler

    def send(self, data: bytes) -> None:
        """Send bytes, if the connection still exists."""
        if self.transport is not None and not self._is_closed:
            self.transport.write(data)

    def hold_delivery(self) -> None:
        """Deliver nothing more, and read nothing more from the socket, until resume_delivery()."""
        self._is_held = True
        if self.transport is not None and not self._is_closed:
            self.transport.pause_reading()

    def resume_delivery(self) -> None:
        """Undo hold_delivery(); what has been received in the meantime is delivered before this returns."""
        self._is_held = False
        self._deliver()
        if not self._is_held and self.transport is not None and not self._is_closed:
            self.transport.resume_reading()

    def close_connection(self) -> None:
        """Send what is waiting to be sent, then close; deliver nothing more."""
        if not self._is_closed:
            self._is_closed = True
            if self.transport is not None:
                self.transport.close()

    def abort_connection(self) -> None:
        """Close at once."""
        self._is_closed = True
        if self.transport is not None:
            self.transport.abort()

    @property
    def is_held(self) -> bool:
        """Whether hold_delivery() is in force."""
        return self._is_held

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended, or has been told to."""
        return self._is_closed

    @property
    def is_sending(self) -> bool:
        """Whether bytes wait for the other side to make room for them."""
        return self.transport is not None and not self._is_closed and self.transport.get_write_buffer_size() > 0

    @property
    def is_receiving(self) -> bool:
        """Whether the beginning of a message is here and its end is still to come."""
        return self._end > self._start and not self._is_held and not self._is_closed

    # For asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.BaseProtocol."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.BaseProtocol."""
        self._is_closed = True
        self.ended(exc)

    def pause_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self.congested()

    def resume_writing(self) -> None:
        """See asyncio.BaseProtocol."""
        self.writable_again()

    def get_buffer(self, sizehint: int) -> memoryview:
        """See asyncio.BufferedProtocol."""
        if self._start == self._end:
            self._start = self._end = 0
        capacity = max(_BUFFER_SIZE, self._need)
        if len(self._buffer) < capacity or (len(self._buffer) > capacity and self._end - self._start <= _BUFFER_SIZE):
            # Grow for a large payload, and give the memory back once it has been delivered.
            self._move_to(memoryview(bytearray(capacity)))
        elif len(self._buffer) - self._start < max(self._need, 1) or self._end == len(self._buffer):
            self._move_to(self._buffer)
        return self._buffer[self._end :]

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio.BufferedProtocol."""
        self._end += nbytes
        self.progressed()
        self._deliver()

    def eof_received(self) -> None:
        """See asyncio.BufferedProtocol; returning None has asyncio close the transport."""

    # Details

    def _move_to(self, buffer: memoryview) -> None:
        length = self._end - self._start
        buffer[:length] = self._buffer[self._start : self._end]
        self._buffer = buffer
        self._start, self._end = 0, length

    def _deliver(self) -> None:
        # A handler may call something that resumes delivery; the loop that runs already goes on with it.
        if self._is_delivering:
            return
        self._is_delivering = True
        try:
            while not self._is_held and not self._is_closed and self._end - self._start >= self._need:
                start = self._start
                self._start = start + self._need
                assert self._handler is not None
                self._handler(self._buffer[start : self._start])
        finally:
            self._is_delivering = False
