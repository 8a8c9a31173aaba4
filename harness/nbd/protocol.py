"""The NBD protocol's numbers and message layouts, as pure functions; no I/O and no state.

All integers are big-endian. Section names in docstrings are those of the protocol document (doc/proto.md).
"""

from __future__ import annotations

import enum
import errno
import struct
from typing import NamedTuple

# Handshake ("Newstyle negotiation")

INIT_MAGIC = 0x4E42444D41474943  # "NBDMAGIC"
OPTION_MAGIC = 0x49484156454F5054  # "IHAVEOPT"
OPTION_REPLY_MAGIC = 0x0003E889045565A9

SERVER_HELLO = struct.Struct(">QQH")  # INIT_MAGIC, OPTION_MAGIC, handshake flags
CLIENT_FLAGS = struct.Struct(">I")
OPTION_HEADER = struct.Struct(">QII")  # OPTION_MAGIC, option, length of data
OPTION_REPLY_HEADER = struct.Struct(">QIII")  # OPTION_REPLY_MAGIC, option, reply type, length of data
EXPORT_NAME_REPLY = struct.Struct(">QH")  # size, transmission flags; then 124 zeroes unless NO_ZEROES
EXPORT_NAME_PADDING = bytes(124)
INFO_EXPORT = struct.Struct(">HQH")  # Info.EXPORT, size, transmission flags
INFO_BLOCK_SIZE = struct.Struct(">HIII")  # Info.BLOCK_SIZE, minimum, preferred, maximum payload

U16 = struct.Struct(">H")
U32 = struct.Struct(">I")

# Transmission

REQUEST_MAGIC = 0x25609513
SIMPLE_REPLY_MAGIC = 0x67446698
STRUCTURED_REPLY_MAGIC = 0x668E33EF

REQUEST = struct.Struct(">IHHQQI")  # magic, command flags, command, handle, offset, length
SIMPLE_REPLY = struct.Struct(">IIQ")  # magic, error, handle
CHUNK = struct.Struct(">IHHQI")  # magic, reply flags, chunk type, handle, length of payload
DATA_CHUNK = struct.Struct(">IHHQIQ")  # a chunk header and the offset that starts a data chunk's payload
HOLE = struct.Struct(">QI")  # offset, length
ERROR = struct.Struct(">IH")  # error, length of message
EXTENT = struct.Struct(">II")  # length, status flags

# Limits. The protocol asks for names of at most 4096 bytes and payloads of 32 MiB unless more was negotiated.

MAX_NAME_LENGTH = 4096
MAX_PAYLOAD = 32 << 20
MAX_OPTION_LENGTH = 64 << 10
MAX_LENGTH = (1 << 32) - 1


class HandshakeFlag(enum.IntFlag):
    """What server and client offer before the options; both sides use the same bits."""

    FIXED_NEWSTYLE = 1
    NO_ZEROES = 2


class TransmissionFlag(enum.IntFlag):
    """What an export offers ("Transmission flags")."""

    HAS_FLAGS = 1 << 0
    READ_ONLY = 1 << 1
    SEND_FLUSH = 1 << 2
    SEND_FUA = 1 << 3
    ROTATIONAL = 1 << 4
    SEND_TRIM = 1 << 5
    SEND_WRITE_ZEROES = 1 << 6
    SEND_DF = 1 << 7
    CAN_MULTI_CONN = 1 << 8
    SEND_RESIZE = 1 << 9
    SEND_CACHE = 1 << 10
    SEND_FAST_ZERO = 1 << 11


class Option(enum.IntEnum):
    """What a client asks for during option haggling ("Option types")."""

    EXPORT_NAME = 1
    ABORT = 2
    LIST = 3
    STARTTLS = 5
    INFO = 6
    GO = 7
    STRUCTURED_REPLY = 8
    LIST_META_CONTEXT = 9
    SET_META_CONTEXT = 10
    EXTENDED_HEADERS = 11


class Reply(enum.IntEnum):
    """What a server answers to an option ("Option reply types"); errors have bit 31."""

    ACK = 1
    SERVER = 2
    INFO = 3
    META_CONTEXT = 4
    ERR_UNSUP = (1 << 31) + 1
    ERR_POLICY = (1 << 31) + 2
    ERR_INVALID = (1 << 31) + 3
    ERR_PLATFORM = (1 << 31) + 4
    ERR_TLS_REQD = (1 << 31) + 5
    ERR_UNKNOWN = (1 << 31) + 6
    ERR_SHUTDOWN = (1 << 31) + 7
    ERR_BLOCK_SIZE_REQD = (1 << 31) + 8
    ERR_TOO_BIG = (1 << 31) + 9


REPLY_ERROR_BIT = 1 << 31


class Info(enum.IntEnum):
    """What a Reply.INFO is about."""

    EXPORT = 0
    NAME = 1
    DESCRIPTION = 2
    BLOCK_SIZE = 3


class Command(enum.IntEnum):
    """What a request asks for ("Request types")."""

    READ = 0
    WRITE = 1
    DISC = 2
    FLUSH = 3
    TRIM = 4
    CACHE = 5
    WRITE_ZEROES = 6
    BLOCK_STATUS = 7


class CommandFlag(enum.IntFlag):
    """Details of a request ("Command flags")."""

    FUA = 1 << 0
    NO_HOLE = 1 << 1
    DF = 1 << 2
    REQ_ONE = 1 << 3
    FAST_ZERO = 1 << 4


class ChunkType(enum.IntEnum):
    """What a chunk of a structured reply holds ("Structured reply types"); errors have bit 15."""

    NONE = 0
    OFFSET_DATA = 1
    OFFSET_HOLE = 2
    BLOCK_STATUS = 5
    ERROR = (1 << 15) + 1
    ERROR_OFFSET = (1 << 15) + 2


CHUNK_ERROR_BIT = 1 << 15
REPLY_FLAG_DONE = 1

BASE_ALLOCATION = "base:allocation"
STATE_HOLE = 1
STATE_ZERO = 2

#: Errors the protocol knows, which on Linux are the system's own numbers ("Error values").
NBD_ERRORS = frozenset(
    {
        errno.EPERM,
        errno.EIO,
        errno.ENOMEM,
        errno.EINVAL,
        errno.ENOSPC,
        errno.EOVERFLOW,
        errno.ENOTSUP,
        errno.ESHUTDOWN,
    }
)

_ERROR_SUBSTITUTES = {errno.EDQUOT: errno.ENOSPC, errno.EFBIG: errno.ENOSPC, errno.EROFS: errno.EPERM}


def nbd_error(number: int) -> int:
    """The protocol's error for an errno: itself, the substitute that the protocol names, or EIO.

    A disk that fails with an errno which NBD cannot say has failed all the same, and EIO says no more than that; the
    protocol leaves the choice open.
    """
    if number in NBD_ERRORS:
        return number
    return _ERROR_SUBSTITUTES.get(number, errno.EIO)


class MessageError(Exception):
    """A message contradicts itself or the protocol; the text is one lower-case line that says how."""


class InfoQuery(NamedTuple):
    """The data of Option.INFO and Option.GO."""

    export_name: str
    infos: tuple[int, ...]


class ContextQuery(NamedTuple):
    """The data of Option.LIST_META_CONTEXT and Option.SET_META_CONTEXT."""

    export_name: str
    queries: tuple[str, ...]


class Request(NamedTuple):
    """The header of a request; the data of a write follows it."""

    flags: int
    command: int
    handle: int
    offset: int
    length: int


class _Fields:
    """Takes a message's fields one after the other and refuses to run past its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, length: int, what: str) -> bytes:
        end = self._position + length
        if end > len(self._data):
            raise MessageError(f"{what} of {length} bytes exceeds the {len(self._data) - self._position} there are")
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def u16(self, what: str) -> int:
        return int.from_bytes(self.take(2, what), "big")

    def u32(self, what: str) -> int:
        return int.from_bytes(self.take(4, what), "big")

    def text(self, what: str) -> str:
        length = self.u32(f"length of {what}")
        if length > MAX_NAME_LENGTH:
            raise MessageError(f"{what} of {length} bytes is longer than {MAX_NAME_LENGTH}")
        return decode_text(self.take(length, what), what)

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._position, "rest")

    def end(self) -> None:
        if self._position != len(self._data):
            raise MessageError(f"{len(self._data) - self._position} bytes follow the last field")


def decode_text(data: bytes, what: str) -> str:
    """A name or message of the protocol as text.

    :raise MessageError: when it is not UTF-8, or contains NUL.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise MessageError(f"{what} {data[:64]!r} is not UTF-8") from None
    if "\0" in text:
        raise MessageError(f"{what} {data[:64]!r} contains a NUL")
    return text


def printable(data: bytes) -> str:
    """A message from the other side, as one line that is safe to show."""
    text = data[:MAX_NAME_LENGTH].decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "?" for character in text)


def name_of(kind: type[enum.IntEnum], number: int) -> str:
    """A number's name in the protocol, or the number when it has none."""
    try:
        return kind(number).name
    except ValueError:
        return str(number)


# Options


def pack_option(option: int, data: bytes = b"") -> bytes:
    """An option as the client sends it."""
    return OPTION_HEADER.pack(OPTION_MAGIC, option, len(data)) + data


def pack_option_reply(option: int, reply: int, data: bytes = b"") -> bytes:
    """A server's reply to an option."""
    return OPTION_REPLY_HEADER.pack(OPTION_REPLY_MAGIC, option, reply, len(data)) + data


def pack_text(text: str) -> bytes:
    """A text behind its 32-bit length."""
    encoded = text.encode("utf-8")
    return U32.pack(len(encoded)) + encoded


def pack_info_query(query: InfoQuery) -> bytes:
    """The data of Option.INFO and Option.GO."""
    infos = b"".join(U16.pack(info) for info in query.infos)
    return pack_text(query.export_name) + U16.pack(len(query.infos)) + infos


def parse_info_query(data: bytes) -> InfoQuery:
    """The inverse of pack_info_query().

    :raise MessageError: when the data has not that form.
    """
    fields = _Fields(data)
    name = fields.text("export name")
    count = fields.u16("count of information requests")
    infos = tuple(fields.u16("information request") for _ in range(count))
    fields.end()
    return InfoQuery(name, infos)


def pack_context_query(query: ContextQuery) -> bytes:
    """The data of Option.LIST_META_CONTEXT and Option.SET_META_CONTEXT."""
    queries = b"".join(pack_text(text) for text in query.queries)
    return pack_text(query.export_name) + U32.pack(len(query.queries)) + queries


def parse_context_query(data: bytes) -> ContextQuery:
    """The inverse of pack_context_query().

    :raise MessageError: when the data has not that form.
    """
    fields = _Fields(data)
    name = fields.text("export name")
    count = fields.u32("count of queries")
    # A count is only believed as far as there are bytes for it: each query takes at least its length field.
    if count > len(data) // 4:
        raise MessageError(f"{count} queries do not fit into {len(data)} bytes")
    queries = tuple(fields.text("query") for _ in range(count))
    fields.end()
    return ContextQuery(name, queries)


def parse_context(data: bytes) -> tuple[int, str]:
    """The id and name in a Reply.META_CONTEXT.

    :raise MessageError: when the data has not that form.
    """
    fields = _Fields(data)
    return fields.u32("context id"), decode_text(fields.rest(), "context name")


# Transmission


def pack_request(request: Request) -> bytes:
    """A request's header."""
    return REQUEST.pack(REQUEST_MAGIC, *request)


def pack_error_chunk(handle: int, error: int, message: str) -> bytes:
    """The final chunk of a structured reply that failed."""
    encoded = message.encode("utf-8")[:MAX_NAME_LENGTH]
    payload = ERROR.pack(error, len(encoded)) + encoded
    return CHUNK.pack(STRUCTURED_REPLY_MAGIC, REPLY_FLAG_DONE, ChunkType.ERROR, handle, len(payload)) + payload


def parse_error_chunk(payload: bytes) -> tuple[int, str]:
    """The error and the message in any chunk that has bit 15 set.

    :raise MessageError: when the payload is too short for them or reports error 0.
    """
    fields = _Fields(payload)
    error = fields.u32("error")
    if not error:
        raise MessageError("error chunk reports error 0")
    message = fields.take(fields.u16("length of message"), "message")
    return error, printable(message)


def pack_status_chunk(handle: int, context_id: int, extents: list[tuple[int, int]], flags: int) -> bytes:
    """One context's block status, as (length, status flags) in order of offset."""
    payload = U32.pack(context_id) + b"".join(EXTENT.pack(length, status) for length, status in extents)
    return CHUNK.pack(STRUCTURED_REPLY_MAGIC, flags, ChunkType.BLOCK_STATUS, handle, len(payload)) + payload


def parse_status_chunk(payload: bytes) -> tuple[int, list[tuple[int, int]]]:
    """The inverse of pack_status_chunk(): context id, and (length, status flags) in order of offset.

    :raise MessageError: when there is no extent, one is empty, or one is cut off.
    """
    if len(payload) < 12 or (len(payload) - 4) % 8:
        raise MessageError(f"block status of {len(payload)} bytes is not 4 and a positive multiple of 8")
    extents = [(length, status) for length, status in EXTENT.iter_unpack(payload[4:])]
    if not all(length for length, _ in extents):
        raise MessageError("block status has an extent of length 0")
    return int.from_bytes(payload[:4], "big"), extents
