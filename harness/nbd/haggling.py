"""The server's side of option haggling: one option in, the bytes of its replies out. No I/O.

Every malformed option gets the error that the protocol names for it, and haggling goes on; only what the protocol gives
no reply for ends the connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.nbd import protocol
from harness.nbd.export import Export
from harness.nbd.protocol import (
    ContextQuery,
    HandshakeFlag,
    Info,
    MessageError,
    Option,
    Reply,
    pack_option_reply,
)

# A plain number: the complement of an IntFlag has only the flag's own bits, and would let every unknown one pass.
_OFFERED = int(HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES)


class Haggling:
    """What one client has negotiated so far.

    :ivar export: the export the client has entered; None while haggling goes on.
    :ivar is_over: whether the connection is to be closed once the replies are sent.
    :ivar structured: whether structured replies were negotiated.
    :ivar contexts: the ids of the metadata contexts that were selected for the entered export.
    """

    def __init__(self, exports: Mapping[str, Export]) -> None:
        self._exports = exports
        self._client_flags = HandshakeFlag(0)
        self._contexts_of: str | None = None
        self._selected: tuple[int, ...] = ()
        self.export: Export | None = None
        self.is_over = False
        self.structured = False

    @property
    def contexts(self) -> tuple[int, ...]:
        """The ids of the metadata contexts that are valid for the export that was entered."""
        # A selection is for one export; entering another one voids it.
        if self.export is None or self.export.name != self._contexts_of:
            return ()
        return self._selected

    @staticmethod
    def hello() -> bytes:
        """What the server sends first."""
        return protocol.SERVER_HELLO.pack(protocol.INIT_MAGIC, protocol.OPTION_MAGIC, _OFFERED)

    def client_flags(self, flags: int) -> None:
        """Take the client's answer to hello().

        :raise MessageError: when it sets a flag that was not offered; the connection must be dropped.
        """
        if flags & ~_OFFERED:
            raise MessageError(f"client flags {flags:#x} were not offered")
        self._client_flags = HandshakeFlag(flags)

    def option(self, option: int, data: bytes) -> list[bytes]:
        """Answer an option.

        :return: the messages to send, in order.
        :raise MessageError: when the protocol has no reply for this; the connection must be dropped.
        """
        if option == Option.EXPORT_NAME:
            return [self._export_name(data)]
        if not self._client_flags & HandshakeFlag.FIXED_NEWSTYLE:
            name = protocol.name_of(Option, option)
            raise MessageError(f"option {name} without fixed newstyle, which allows EXPORT_NAME only")
        handler = self._HANDLERS.get(option)
        if handler is None:
            return [_refuse(option, Reply.ERR_UNSUP, f"option {option} is not supported")]
        try:
            return handler(self, option, data)
        except MessageError as error:
            return [_refuse(option, Reply.ERR_INVALID, str(error))]

    # One method for each option

    def _export_name(self, data: bytes) -> bytes:
        name = protocol.decode_text(data, "export name")
        export = self._exports.get(name)
        if export is None:
            raise MessageError(f"export {name[:64]!r} does not exist, and EXPORT_NAME has no error reply")
        self.export = export
        reply = protocol.EXPORT_NAME_REPLY.pack(export.storage.size, export.flags(structured=self.structured))
        return reply if self._client_flags & HandshakeFlag.NO_ZEROES else reply + protocol.EXPORT_NAME_PADDING

    def _abort(self, option: int, data: bytes) -> list[bytes]:
        self.is_over = True
        return [pack_option_reply(option, Reply.ACK)]

    def _list(self, option: int, data: bytes) -> list[bytes]:
        _must_be_empty(data)
        servers = [
            pack_option_reply(option, Reply.SERVER, protocol.pack_text(name) + export.description.encode("utf-8"))
            for name, export in self._exports.items()
        ]
        return [*servers, pack_option_reply(option, Reply.ACK)]

    def _structured_reply(self, option: int, data: bytes) -> list[bytes]:
        _must_be_empty(data)
        self.structured = True
        return [pack_option_reply(option, Reply.ACK)]

    def _info_or_go(self, option: int, data: bytes) -> list[bytes]:
        query = protocol.parse_info_query(data)
        export = self._exports.get(query.export_name)
        if export is None:
            return [_unknown_export(option, query.export_name)]
        flags = export.flags(structured=self.structured)
        # The block sizes are sent unasked, as the protocol allows: they hold whether the client wants to know or not.
        infos = [
            protocol.INFO_EXPORT.pack(Info.EXPORT, export.storage.size, flags),
            protocol.INFO_BLOCK_SIZE.pack(
                Info.BLOCK_SIZE, export.minimum_block, export.preferred_block, protocol.MAX_PAYLOAD
            ),
        ]
        if Info.NAME in query.infos:
            infos.append(protocol.U16.pack(Info.NAME) + export.name.encode("utf-8"))
        if Info.DESCRIPTION in query.infos and export.description:
            infos.append(protocol.U16.pack(Info.DESCRIPTION) + export.description.encode("utf-8"))
        if option == Option.GO:
            self.export = export
        replies = [pack_option_reply(option, Reply.INFO, info) for info in infos]
        return [*replies, pack_option_reply(option, Reply.ACK)]

    def _meta_context(self, option: int, data: bytes) -> list[bytes]:
        if option == Option.SET_META_CONTEXT:
            # Whatever becomes of this one, the earlier selection is gone.
            self._contexts_of, self._selected = None, ()
        if not self.structured:
            return [_refuse(option, Reply.ERR_INVALID, "metadata contexts need structured replies")]
        query = protocol.parse_context_query(data)
        export = self._exports.get(query.export_name)
        if export is None:
            return [_unknown_export(option, query.export_name)]
        matches = [number for number, name in enumerate(export.contexts, 1) if _matches(option, query, name)]
        replies = []
        for number in matches:
            # An id means something only once it is selected; a list sends 0.
            context_id = number if option == Option.SET_META_CONTEXT else 0
            context = protocol.U32.pack(context_id) + export.contexts[number - 1].encode("utf-8")
            replies.append(pack_option_reply(option, Reply.META_CONTEXT, context))
        if option == Option.SET_META_CONTEXT:
            self._contexts_of = query.export_name
            self._selected = tuple(matches)
        return [*replies, pack_option_reply(option, Reply.ACK)]

    _HANDLERS: Mapping[int, Callable[[Haggling, int, bytes], list[bytes]]] = {
        Option.ABORT: _abort,
        Option.LIST: _list,
        Option.INFO: _info_or_go,
        Option.GO: _info_or_go,
        Option.STRUCTURED_REPLY: _structured_reply,
        Option.LIST_META_CONTEXT: _meta_context,
        Option.SET_META_CONTEXT: _meta_context,
    }


def _refuse(option: int, reply: Reply, message: str) -> bytes:
    return pack_option_reply(option, reply, message.encode("utf-8", "replace"))


def _unknown_export(option: int, name: str) -> bytes:
    return _refuse(option, Reply.ERR_UNKNOWN, f"export {name[:64]!r} does not exist")


def _must_be_empty(data: bytes) -> None:
    if data:
        raise MessageError(f"{len(data)} bytes of data come with an option that takes none")


def _matches(option: int, query: ContextQuery, context: str) -> bool:
    """Whether the queries select a context; a list also takes no query at all, or a namespace alone, as all."""
    if context in query.queries:
        return True
    if option != Option.LIST_META_CONTEXT:
        return False
    return not query.queries or any(text.endswith(":") and context.startswith(text) for text in query.queries)
