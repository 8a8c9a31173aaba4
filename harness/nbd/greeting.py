"""The client's side of the handshake: from a fresh connection into an export.

Reads one reply at a time with coroutines, for nothing here is worth hurrying; the transmission phase takes the stream
over afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.errors import ImplementationError, ProtocolViolation
from harness.nbd import protocol
from harness.nbd.protocol import ContextQuery, HandshakeFlag, Info, InfoQuery, MessageError, Option, Reply
from harness.nbd.stream import MessageStream

#: More replies to one option than any sane server sends: a server that goes on for ever is cut off.
MAX_REPLIES = 1000


@dataclass
class Terms:
    """What server and client agreed on.

    :ivar size: bytes.
    :ivar flags: the transmission flags.
    :ivar minimum_block: bytes; 1 when the server named none, likewise the others.
    :ivar preferred_block: bytes.
    :ivar maximum_payload: bytes.
    :ivar structured: whether structured replies were negotiated.
    :ivar contexts: the metadata contexts that the server granted, by id.
    """

    size: int = 0
    flags: int = 0
    minimum_block: int = 1
    preferred_block: int = 4096
    maximum_payload: int = protocol.MAX_PAYLOAD
    structured: bool = False
    contexts: dict[int, str] = field(default_factory=dict)


class GreetingStream(MessageStream):
    """A connection whose handshake is done by ``await greet()``.

    :ivar terms: filled in by greet().
    """

    def __init__(self) -> None:
        super().__init__()
        self.terms = Terms()
        self._wanted: asyncio.Future[bytes] | None = None
        # Nothing is expected until greet() asks for it; one byte is the least that can wait.
        self.expect(1, self._nobody_asked)

    def connected(self) -> None:
        """Read nothing until greet() asks."""
        self.hold_delivery()

    def ended(self, error: Exception | None) -> None:
        """Tell greet(), if it waits."""
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_exception(ImplementationError("NBD server closed the connection during the handshake"))

    async def greet(self, export: str, *, structured: bool, contexts: Sequence[str]) -> None:
        """Negotiate and enter an export.

        :param structured: whether to ask for structured replies.
        :param contexts: metadata contexts to select, which needs structured replies; a server may grant fewer.
        :raise ProtocolViolation: when the server sends what the protocol does not allow.
        :raise ImplementationError: when it refuses the export, or closes the connection.
        """
        try:
            await self._greet(export, structured, contexts)
        except MessageError as error:
            self.abort_connection()
            raise ProtocolViolation(f"NBD server: {error}") from error
        except ImplementationError:
            # Leave as the protocol wants it, lest the server complain about a client that vanished.
            self.send(protocol.pack_option(Option.ABORT))
            self.close_connection()
            raise

    # Steps

    async def _greet(self, export: str, structured: bool, contexts: Sequence[str]) -> None:
        init, magic, offered = protocol.SERVER_HELLO.unpack(await self._receive(protocol.SERVER_HELLO.size))
        if init != protocol.INIT_MAGIC or magic != protocol.OPTION_MAGIC:
            raise MessageError(f"greeting {init:#x} {magic:#x} is not that of a newstyle server")
        if not offered & HandshakeFlag.FIXED_NEWSTYLE:
            raise MessageError(f"handshake flags {offered:#x} lack fixed newstyle")
        flags = HandshakeFlag(offered) & (HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES)
        self.send(protocol.CLIENT_FLAGS.pack(flags))
        if structured:
            self.terms.structured = await self._ask_for_structured_replies()
        if contexts and self.terms.structured:
            await self._select_contexts(export, contexts)
        await self._go(export)

    async def _ask_for_structured_replies(self) -> bool:
        reply, data = await self._ask(Option.STRUCTURED_REPLY, b"")
        if reply == Reply.ERR_UNSUP:
            return False
        _must_be_ack(Option.STRUCTURED_REPLY, reply, data)
        return True

    async def _select_contexts(self, export: str, contexts: Sequence[str]) -> None:
        option = Option.SET_META_CONTEXT
        reply, data = await self._ask(option, protocol.pack_context_query(ContextQuery(export, tuple(contexts))))
        for _ in range(MAX_REPLIES):
            if reply != Reply.META_CONTEXT:
                # A server without metadata contexts is no worse a server; the guest then has none to ask for.
                if reply != Reply.ERR_UNSUP:
                    _must_be_ack(option, reply, data, f"export {export!r}")
                return
            context_id, name = protocol.parse_context(data)
            if context_id in self.terms.contexts or name in self.terms.contexts.values():
                raise MessageError(f"metadata context {name!r} with id {context_id} comes twice")
            if name not in contexts:
                raise MessageError(f"metadata context {name!r} was not asked for")
            self.terms.contexts[context_id] = name
            reply, data = await self._reply(option)
        raise MessageError(f"more than {MAX_REPLIES} replies to SET_META_CONTEXT")

    async def _go(self, export: str) -> None:
        query = protocol.pack_info_query(InfoQuery(export, (Info.BLOCK_SIZE,)))
        reply, data = await self._ask(Option.GO, query)
        has_export = False
        for _ in range(MAX_REPLIES):
            if reply != Reply.INFO:
                _must_be_ack(Option.GO, reply, data, f"export {export!r}")
                if not has_export:
                    raise MessageError("GO was acknowledged without the size of the export")
                return
            has_export = self._take_info(data) or has_export
            reply, data = await self._reply(Option.GO)
        raise MessageError(f"more than {MAX_REPLIES} replies to GO")

    def _take_info(self, data: bytes) -> bool:
        """Note what an information reply says; whether it was the one with the size."""
        if len(data) < 2:
            raise MessageError(f"information of {len(data)} bytes has no type")
        info = int.from_bytes(data[:2], "big")
        if info == Info.EXPORT:
            if len(data) != protocol.INFO_EXPORT.size:
                raise MessageError(f"export information has {len(data)} bytes, not {protocol.INFO_EXPORT.size}")
            _, self.terms.size, self.terms.flags = protocol.INFO_EXPORT.unpack(data)
            if not self.terms.flags & protocol.TransmissionFlag.HAS_FLAGS:
                raise MessageError(f"transmission flags {self.terms.flags:#x} lack HAS_FLAGS")
            return True
        if info == Info.BLOCK_SIZE:
            if len(data) != protocol.INFO_BLOCK_SIZE.size:
                raise MessageError(f"block sizes have {len(data)} bytes, not {protocol.INFO_BLOCK_SIZE.size}")
            _, minimum, preferred, maximum = protocol.INFO_BLOCK_SIZE.unpack(data)
            if not minimum or minimum & (minimum - 1) or preferred < minimum or maximum < minimum:
                raise MessageError(f"block sizes {minimum}, {preferred}, {maximum} contradict one another")
            self.terms.minimum_block = minimum
            self.terms.preferred_block = preferred
            self.terms.maximum_payload = maximum
        return False

    # Messages

    async def _ask(self, option: Option, data: bytes) -> tuple[int, bytes]:
        """Send an option and return the first reply to it."""
        self.send(protocol.pack_option(option, data))
        return await self._reply(option)

    async def _reply(self, option: Option) -> tuple[int, bytes]:
        header = await self._receive(protocol.OPTION_REPLY_HEADER.size)
        magic, answered, reply, length = protocol.OPTION_REPLY_HEADER.unpack(header)
        if magic != protocol.OPTION_REPLY_MAGIC:
            raise MessageError(f"option reply magic {magic:#x} is not {protocol.OPTION_REPLY_MAGIC:#x}")
        if answered != option:
            raise MessageError(f"reply to option {answered} came for option {option.name}")
        if length > protocol.MAX_OPTION_LENGTH:
            raise MessageError(f"option reply of {length} bytes is more than {protocol.MAX_OPTION_LENGTH}")
        return reply, await self._receive(length) if length else b""

    async def _receive(self, length: int) -> bytes:
        if self.is_closed:
            raise ImplementationError("NBD server closed the connection during the handshake")
        self._wanted = asyncio.get_running_loop().create_future()
        self.expect(length, self._received)
        self.resume_delivery()
        try:
            return await self._wanted
        finally:
            self._wanted = None

    def _received(self, view: memoryview) -> None:
        # One message at a time: what follows stays in the buffer until somebody asks for it.
        self.hold_delivery()
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(bytes(view))

    def _nobody_asked(self, view: memoryview) -> None:
        raise AssertionError("delivery is held until greet() asks")


def _must_be_ack(option: Option, reply: int, data: bytes, what: str = "") -> None:
    """Refuse any reply but an empty acknowledgement; ``what`` names the thing that was asked for."""
    if reply == Reply.ACK:
        if data:
            raise MessageError(f"acknowledgement of {option.name} carries {len(data)} bytes")
        return
    name = protocol.name_of(Reply, reply)
    if not reply & protocol.REPLY_ERROR_BIT:
        raise MessageError(f"reply {name} does not answer {option.name}")
    text = protocol.printable(data)
    subject = f"{option.name} for {what}" if what else option.name
    raise ImplementationError(f"NBD server refuses {subject}: {name}{': ' + text if text else ''}")
