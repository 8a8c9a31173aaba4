"""The client's side of the transmission phase: matches replies to requests, and believes none of them unchecked.

What the protocol does not allow ends the connection, and every request under way with a ProtocolViolation.
"""

from __future__ import annotations

import asyncio
from errno import ENOTCONN

from harness.errors import ImplementationError, ProtocolViolation
from harness.nbd import protocol
from harness.nbd.client_request import ClientRequest, ClientRequestState
from harness.nbd.greeting import GreetingStream
from harness.nbd.protocol import (
    CHUNK,
    CHUNK_ERROR_BIT,
    REPLY_FLAG_DONE,
    SIMPLE_REPLY,
    SIMPLE_REPLY_MAGIC,
    STRUCTURED_REPLY_MAGIC,
    ChunkType,
    Command,
    MessageError,
)

_SIMPLE_SIZE = SIMPLE_REPLY.size
_CHUNK_REST = CHUNK.size - SIMPLE_REPLY.size


class ReplyStream(GreetingStream):
    """The connection of one client.

    :ivar pending: the requests without a reply by handle, in order of submission.
    :ivar gone: set when the connection has ended.
    :ivar replies: how many requests have been answered.
    :ivar failure: why it ended, when that was the server's doing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.pending: dict[int, ClientRequest] = {}
        self.gone = asyncio.Event()
        self.failure: ImplementationError | None = None
        self.replies = 0
        # The reply that is being received.
        self._request: ClientRequest | None = None
        self._flags = 0
        self._type = 0
        #: Grows with everything received.
        self.progress = 0

    @property
    def is_busy(self) -> bool:
        """Whether bytes wait for the server to make room, or a reply has come in part."""
        return self.is_sending or self.is_receiving or self._handler != self._on_reply

    def progressed(self) -> None:
        self.progress += 1

    def begin(self) -> None:
        """Enter the transmission phase."""
        self.expect(_SIMPLE_SIZE, self._on_reply)
        self.resume_delivery()

    def ended(self, error: Exception | None) -> None:
        """Lose what is under way."""
        super().ended(error)
        count = len(self.pending)
        noun = "request" if count == 1 else "requests"
        self.lose_all(f"NBD server ended the connection with {count} {noun} in flight")
        self.gone.set()

    def lose_all(self, why: str) -> None:
        """End every request under way: no reply can come any more."""
        if self.failure is None:
            self.failure = ImplementationError(why)
        while self.pending:
            handle, request = next(iter(self.pending.items()))
            del self.pending[handle]
            request.errno = ENOTCONN
            request.error = self.failure
            request.finish(ClientRequestState.LOST)

    # Replies

    def _on_reply(self, view: memoryview) -> None:
        """The first 16 bytes of a reply, which is all of a simple one but its data."""
        try:
            magic, error, handle = SIMPLE_REPLY.unpack(view)
            if magic == SIMPLE_REPLY_MAGIC:
                self._on_simple_reply(error, handle)
            elif magic == STRUCTURED_REPLY_MAGIC:
                if not self.terms.structured:
                    raise MessageError("structured reply comes without having been negotiated")
                # The second word is the flags and the type of a chunk.
                self._flags, self._type = error >> 16, error & 0xFFFF
                self._request = self._find(handle)
                self.expect(_CHUNK_REST, self._on_chunk_length)
            else:
                raise MessageError(f"reply magic {magic:#x} is none of NBD's")
        except MessageError as error:
            self._give_up(error)

    def _find(self, handle: int) -> ClientRequest:
        request = self.pending.get(handle)
        if request is None:
            raise MessageError(f"reply to handle {handle:#x}, which no request in flight has")
        return request

    def _on_simple_reply(self, error: int, handle: int) -> None:
        request = self._find(handle)
        if request.pieces or request.statuses or request.errno:
            raise MessageError(f"simple reply to {request.describe()} follows chunks of a structured one")
        if error:
            if request.command is Command.READ and self.terms.structured:
                raise MessageError(f"simple reply to {request.describe()} after structured ones were negotiated")
            request.errno = error
            self._complete(request)
        elif request.command is Command.READ:
            if self.terms.structured:
                raise MessageError(f"simple reply to {request.describe()} after structured ones were negotiated")
            self._request = request
            self.expect(request.length, self._on_simple_data)
        elif request.command is Command.BLOCK_STATUS:
            raise MessageError(f"simple reply to {request.describe()} reports success without a status")
        else:
            self._complete(request)

    def _on_simple_data(self, view: memoryview) -> None:
        request = self._request
        assert request is not None
        request.data = bytes(view)
        self.expect(_SIMPLE_SIZE, self._on_reply)
        self._complete(request)

    def _on_chunk_length(self, view: memoryview) -> None:
        length = int.from_bytes(view, "big")
        request = self._request
        assert request is not None
        # No lawful chunk is longer than what was asked for, a message, or a list of the extents of a whole request.
        limit = request.length + 8 if self._type == ChunkType.OFFSET_DATA else protocol.MAX_PAYLOAD
        if length > limit:
            name = protocol.name_of(ChunkType, self._type)
            self._give_up(MessageError(f"chunk {name} of {length} bytes for {request.describe()} is too long"))
        elif length:
            self.expect(length, self._on_chunk)
        else:
            self._on_chunk(memoryview(b""))

    def _on_chunk(self, view: memoryview) -> None:
        request = self._request
        assert request is not None
        self.expect(_SIMPLE_SIZE, self._on_reply)
        try:
            self._take_chunk(request, view)
            if self._flags & REPLY_FLAG_DONE:
                self._conclude(request)
        except MessageError as error:
            self._give_up(error)

    def _take_chunk(self, request: ClientRequest, view: memoryview) -> None:
        kind = self._type
        if kind == ChunkType.OFFSET_DATA and request.command is Command.READ:
            if len(view) < 9:
                raise MessageError(f"data chunk of {len(view)} bytes holds no data")
            self._take_piece(request, int.from_bytes(view[:8], "big"), len(view) - 8, view)
        elif kind == ChunkType.OFFSET_HOLE and request.command is Command.READ:
            if len(view) != protocol.HOLE.size:
                raise MessageError(f"hole chunk has {len(view)} bytes, not {protocol.HOLE.size}")
            offset, length = protocol.HOLE.unpack(view)
            self._take_piece(request, offset, length, None)
        elif kind == ChunkType.BLOCK_STATUS and request.command is Command.BLOCK_STATUS:
            self._take_status(request, bytes(view))
        elif kind == ChunkType.NONE:
            if len(view) or not self._flags & REPLY_FLAG_DONE:
                raise MessageError("chunk NONE must be empty and the last one")
        elif kind & CHUNK_ERROR_BIT:
            error, message = protocol.parse_error_chunk(bytes(view))
            # The first error is the request's: later ones tell where else it failed.
            if not request.errno:
                request.errno, request.message = error, message
        else:
            raise MessageError(f"chunk {protocol.name_of(ChunkType, kind)} does not answer {request.describe()}")

    def _take_piece(self, request: ClientRequest, offset: int, length: int, view: memoryview | None) -> None:
        """Note a stretch of read data, which the view holds from its byte 8 on; None is a hole."""
        if not length or offset < request.offset or offset + length > request.offset + request.length:
            raise MessageError(f"chunk {offset}+{length} does not lie within {request.describe()}")
        request.received += length
        if request.received > request.length:
            raise MessageError(f"chunks of {request.describe()} overlap")
        request.pieces.append((offset, bytes(length) if view is None else bytes(view[8:])))

    def _take_status(self, request: ClientRequest, payload: bytes) -> None:
        context_id, extents = protocol.parse_status_chunk(payload)
        name = self.terms.contexts.get(context_id)
        if name is None:
            raise MessageError(f"block status for context id {context_id}, which was not granted")
        if context_id in request.statuses:
            raise MessageError(f"block status for {name} comes twice")
        if sum(length for length, _ in extents[:-1]) >= request.length:
            raise MessageError(f"block status for {name} goes on after the end of {request.describe()}")
        request.statuses[context_id] = extents

    def _conclude(self, request: ClientRequest) -> None:
        """The last chunk has come: check that the reply is whole."""
        if request.errno:
            self._complete(request)
            return
        if request.command is Command.READ:
            pieces = request.pieces
            if len(pieces) > 1:
                pieces.sort()
                position = request.offset
                for offset, piece in pieces:
                    if offset != position:
                        raise MessageError(f"chunks of {request.describe()} overlap or leave a gap at {position}")
                    position += len(piece)
            if request.received != request.length:
                raise MessageError(f"chunks of {request.describe()} hold {request.received} bytes")
            request.data = pieces[0][1] if len(pieces) == 1 else b"".join([piece for _, piece in pieces])
            request.pieces = []
        elif request.command is Command.BLOCK_STATUS:
            missing = [name for number, name in self.terms.contexts.items() if number not in request.statuses]
            if missing:
                raise MessageError(f"{request.describe()} lacks a status for {', '.join(missing)}")
        self._complete(request)

    def _complete(self, request: ClientRequest) -> None:
        del self.pending[request.handle]
        self.replies += 1
        request.finish(ClientRequestState.FAILED if request.errno else ClientRequestState.COMPLETED)

    def _give_up(self, error: MessageError) -> None:
        self.failure = ProtocolViolation(f"NBD server: {error}")
        self.abort_connection()
        self.lose_all(str(self.failure))
