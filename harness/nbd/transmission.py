"""The server's side of the transmission phase: requests of one client become requests of a held storage.

Requests run concurrently and are answered in the order of their completion, whichever that is. What the protocol calls
an error gets its error reply.
"""

from __future__ import annotations

from collections.abc import Callable
from errno import EINVAL, EPERM
from functools import partial
from os import strerror

from harness.nbd import protocol
from harness.nbd.export import Export, StatusSource
from harness.nbd.protocol import (
    CHUNK,
    DATA_CHUNK,
    REPLY_FLAG_DONE,
    SIMPLE_REPLY,
    SIMPLE_REPLY_MAGIC,
    STRUCTURED_REPLY_MAGIC,
    ChunkType,
    Command,
    CommandFlag,
    Request,
)
from harness.storage import Operation, StorageRequest

#: The protocol lets a server describe less than was asked; a client asks again from where the answer ended.
MAX_EXTENTS = 2048

_OPERATIONS = {
    int(Command.READ): Operation.READ,
    int(Command.WRITE): Operation.WRITE,
    int(Command.FLUSH): Operation.FLUSH,
    int(Command.TRIM): Operation.DISCARD,
    int(Command.WRITE_ZEROES): Operation.ZERO,
}

# Plain numbers: the complement of an IntFlag has only the flag's own bits, and would let every unknown one pass.
_FUA, _NO_HOLE, _DF, _REQ_ONE, _FAST_ZERO = (
    int(CommandFlag.FUA),
    int(CommandFlag.NO_HOLE),
    int(CommandFlag.DF),
    int(CommandFlag.REQ_ONE),
    int(CommandFlag.FAST_ZERO),
)

# FUA is lawful with every command once it was offered, and means nothing for those that change no data.
_ALLOWED_FLAGS = {
    int(Command.READ): _FUA | _DF,
    int(Command.WRITE): _FUA,
    int(Command.FLUSH): _FUA,
    int(Command.TRIM): _FUA,
    int(Command.WRITE_ZEROES): _FUA | _NO_HOLE,
    int(Command.BLOCK_STATUS): _FUA | _REQ_ONE,
}

# What an export takes besides when it is lenient.
_ALLOWED_FLAGS_LENIENT = _ALLOWED_FLAGS | {
    int(Command.CACHE): _FUA,
    int(Command.WRITE_ZEROES): _FUA | _NO_HOLE | _FAST_ZERO,
}

_READ, _WRITE, _FLUSH, _CACHE = int(Command.READ), int(Command.WRITE), int(Command.FLUSH), int(Command.CACHE)
NUDGE_CHUNK_TYPE = 100
"""A type of chunk that the protocol does not know, and that is no error: those have the highest bit set."""
NUDGE_CHUNKS = 2
"""One chunk is lost on a listener to which it is addressed: it takes the chunk and passes the socket on to the next
request, which listens in its turn. The second one finds somebody else listening, who lets everybody pass that waits."""

_OFFSET_DATA = int(ChunkType.OFFSET_DATA)


class Transmission:
    """One client's requests of one export.

    :ivar in_flight: the requests that have no reply yet.
    :ivar bytes_in_flight: the data they carry or ask for.
    :ivar replies: how many have been replied to.
    """

    def __init__(
        self,
        export: Export,
        *,
        structured: bool,
        contexts: tuple[int, ...],
        send: Callable[[bytes], None],
        violated: Callable[[str], None],
    ) -> None:
        """Begin.

        :param structured: whether structured replies were negotiated.
        :param contexts: ids of the selected metadata contexts.
        :param send: takes each reply, whole; called for late ones too, when the client may have gone away.
        :param violated: takes a line for each rule of the protocol that the client breaks.
        """
        self._export = export
        self._structured = structured
        self._contexts = contexts
        self._send = send
        self._violated = violated
        self._waiting: dict[int, Request] = {}
        self._nudged: set[int] = set()
        self.in_flight = 0
        self.bytes_in_flight = 0
        self.replies = 0

    @property
    def export(self) -> Export:
        """What it is about."""
        return self._export

    def request(self, request: Request, data: bytes | None) -> None:
        """Carry out a request, now or when the storage completes it, and reply.

        :param data: what follows the header of a write, else None.
        """
        flags, command, handle, offset, length = request
        if handle in self._waiting:
            self._violated(f"handle {handle:#x} of a request in flight is used again")
        self._waiting[handle] = request
        self.in_flight += 1
        cost = length if command in (_READ, _WRITE) else 0
        self.bytes_in_flight += cost
        refusal = self._refusal(request)
        if refusal is not None:
            self._violated(f"{protocol.name_of(Command, command)} {offset}+{length}: {refusal[1]}")
            self._fail(request, cost, *refusal)
        elif command == Command.BLOCK_STATUS:
            self._block_status(request)
        elif command == _CACHE:  # a hint that a read will follow; what it would read need not be read for that
            self._succeed(request, cost)
        else:
            storage = self._export.storage
            if offset + length > storage.size:
                # The storage refuses it, and its record shows it; that it was asked at all is against the protocol.
                self._violated(f"{Command(command).name} {offset}+{length}: range ends beyond the size {storage.size}")
            storage.submit(
                _OPERATIONS[command],
                offset,
                length,
                data,
                fua=flags & _FUA != 0,
                may_unmap=command == Command.TRIM or (command == Command.WRITE_ZEROES and not flags & _NO_HOLE),
                on_complete=partial(self._finished, request, cost),
            )

    def nudge(self) -> bool:
        """Send chunks that say nothing, as part of the reply to the oldest request that waits for one.

        For a read that is a hole over its range, which the data replaces later; for all others a chunk of a type that
        there is not, without content. Neither is what the protocol means chunks for; see `late_replies` for the
        clients that need it.

        :return: whether there was a request, and the client takes chunks.
        """
        if not self._structured or not self._waiting:
            return False
        request = next(iter(self._waiting.values()))
        self._nudged.add(request.handle)
        if request.command == _READ:
            header = CHUNK.pack(STRUCTURED_REPLY_MAGIC, 0, ChunkType.OFFSET_HOLE, request.handle, 12)
            chunk = header + protocol.HOLE.pack(request.offset, request.length)
        else:
            chunk = CHUNK.pack(STRUCTURED_REPLY_MAGIC, 0, NUDGE_CHUNK_TYPE, request.handle, 0)
        self._send(chunk * NUDGE_CHUNKS)
        return True

    def _refusal(self, request: Request) -> tuple[int, str] | None:
        """Why a request does not even reach the storage, as errno and text; None when it does."""
        flags, command, _, offset, length = request
        lenient = self._export.lenient
        allowed = (_ALLOWED_FLAGS_LENIENT if lenient else _ALLOWED_FLAGS).get(command)
        if allowed is None:
            return EINVAL, f"command {command} is not supported"
        if flags & ~allowed:
            return EINVAL, f"flags {flags:#x} are not all valid here"
        if flags & _DF and not self._structured:
            return EINVAL, "flag DF needs structured replies"
        if command == _FLUSH:
            return (EINVAL, "a flush has offset 0 and length 0") if offset or length else None
        if not length and (not lenient or command == Command.BLOCK_STATUS):
            return EINVAL, "length is 0"
        if (offset | length) & (self._export.minimum_block - 1):
            return EINVAL, f"range is not aligned to the minimum block size {self._export.minimum_block}"
        if command == _READ:
            if length > protocol.MAX_PAYLOAD:
                return EINVAL, f"length is more than the maximum payload {protocol.MAX_PAYLOAD}"
        elif command == Command.BLOCK_STATUS:
            if not self._contexts:
                return EINVAL, "no metadata context was selected"
            if offset + length > self._export.storage.size:
                return EINVAL, f"range ends beyond the size {self._export.storage.size}"
        elif self._export.read_only and command != _CACHE:
            return EPERM, "export is read-only"
        return None

    # Replies

    def _finished(self, request: Request, cost: int, finished: StorageRequest) -> None:
        """The storage completed or failed a request."""
        if finished.errno:
            self._fail(request, cost, finished.errno, strerror(finished.errno))
        elif finished.result is None:
            self._succeed(request, cost)
        else:
            self._answered(request, cost)
            self._send(self._read_reply(request, finished.result))

    def _succeed(self, request: Request, cost: int) -> None:
        """Reply to a request that returns nothing."""
        was_nudged = request.handle in self._nudged
        self._answered(request, cost)
        if was_nudged:  # a reply that began in chunks must end in one
            self._send(CHUNK.pack(STRUCTURED_REPLY_MAGIC, REPLY_FLAG_DONE, ChunkType.NONE, request.handle, 0))
        else:
            self._send(SIMPLE_REPLY.pack(SIMPLE_REPLY_MAGIC, 0, request.handle))

    def _answered(self, request: Request, cost: int) -> None:
        self._waiting.pop(request.handle, None)
        self._nudged.discard(request.handle)
        self.replies += 1
        self.in_flight -= 1
        self.bytes_in_flight -= cost

    def _fail(self, request: Request, cost: int, errno: int, message: str) -> None:
        self._answered(request, cost)
        error = protocol.nbd_error(errno)
        if self._structured:
            self._send(protocol.pack_error_chunk(request.handle, error, message))
        else:
            self._send(SIMPLE_REPLY.pack(SIMPLE_REPLY_MAGIC, error, request.handle))

    def _read_reply(self, request: Request, data: bytes) -> bytes:
        handle, offset = request.handle, request.offset
        if not self._structured:
            return SIMPLE_REPLY.pack(SIMPLE_REPLY_MAGIC, 0, handle) + data
        if not data:
            return CHUNK.pack(STRUCTURED_REPLY_MAGIC, REPLY_FLAG_DONE, ChunkType.NONE, handle, 0)
        if self._export.hole_chunks and not request.flags & _DF:
            return self._read_reply_with_holes(request, data)
        length = len(data) + 8
        return DATA_CHUNK.pack(STRUCTURED_REPLY_MAGIC, REPLY_FLAG_DONE, _OFFSET_DATA, handle, length, offset) + data

    def _read_reply_with_holes(self, request: Request, data: bytes) -> bytes:
        """One chunk for each stretch of holes or of anything else; the last one ends the reply."""
        # The storage calls us from within the completion, so its holes are still those of the data.
        runs: list[tuple[int, int, bool]] = []
        for extent in self._export.storage.memory.extents(request.offset, request.length):
            if runs and runs[-1][2] == extent.is_hole:
                runs[-1] = (runs[-1][0], runs[-1][1] + extent.length, extent.is_hole)
            else:
                runs.append((extent.offset, extent.length, extent.is_hole))
        parts: list[bytes] = []
        for number, (offset, length, is_hole) in enumerate(runs, 1):
            flags = REPLY_FLAG_DONE if number == len(runs) else 0
            if is_hole:
                parts.append(CHUNK.pack(STRUCTURED_REPLY_MAGIC, flags, ChunkType.OFFSET_HOLE, request.handle, 12))
                parts.append(protocol.HOLE.pack(offset, length))
            else:
                kind = ChunkType.OFFSET_DATA
                parts.append(DATA_CHUNK.pack(STRUCTURED_REPLY_MAGIC, flags, kind, request.handle, length + 8, offset))
                parts.append(data[offset - request.offset : offset - request.offset + length])
        return b"".join(parts)

    def _block_status(self, request: Request) -> None:
        """Answer from the contents as they are; the storage's rules do not apply, for no data moves."""
        limit = 1 if request.flags & _REQ_ONE else MAX_EXTENTS
        if self._export.status is not None:
            self._describe(request, self._export.status, limit, [])
            return
        extents = [
            (
                extent.length,
                (protocol.STATE_HOLE if extent.is_hole else 0) | (protocol.STATE_ZERO if extent.is_zero else 0),
            )
            for extent in self._export.storage.memory.extents(request.offset, request.length, limit)
        ]
        self._send_status(request, [extents] * len(self._contexts))

    def _describe(self, request: Request, status: StatusSource, limit: int, found: list[list[tuple[int, int]]]) -> None:
        """Ask for one context after the other."""

        def on_described(errno: int, extents: list[tuple[int, int]]) -> None:
            if errno:
                self._fail(request, 0, errno, strerror(errno))
            else:
                self._describe(request, status, limit, [*found, extents])

        if len(found) == len(self._contexts):
            self._send_status(request, found)
            return
        context = self._export.contexts[self._contexts[len(found)] - 1]
        status.describe(context, request.offset, request.length, limit, on_described)

    def _send_status(self, request: Request, found: list[list[tuple[int, int]]]) -> None:
        """Send what was found in each selected context."""
        chunks = []
        for number, (context_id, extents) in enumerate(zip(self._contexts, found, strict=True), 1):
            flags = REPLY_FLAG_DONE if number == len(self._contexts) else 0
            chunks.append(protocol.pack_status_chunk(request.handle, context_id, extents, flags))
        self._answered(request, 0)
        self._send(b"".join(chunks))
