"""The NBD client against servers that break the protocol: each lie is named, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from harness.errors import ImplementationError, ImplementationHang, ProtocolViolation
from harness.nbd import protocol
from harness.nbd.client import NbdClient
from harness.nbd.client_request import ClientRequest, ClientRequestState
from harness.nbd.protocol import CHUNK, ChunkType, Command, Option, Reply, pack_option_reply
from harness.storage import Operation

SIZE = 1 << 20
DONE = protocol.REPLY_FLAG_DONE
HELLO = protocol.SERVER_HELLO.pack(protocol.INIT_MAGIC, protocol.OPTION_MAGIC, 3)
INFO = pack_option_reply(Option.GO, Reply.INFO, protocol.INFO_EXPORT.pack(0, SIZE, 0x1ED))
ACK_STRUCTURED = pack_option_reply(Option.STRUCTURED_REPLY, Reply.ACK)
CONTEXT = pack_option_reply(Option.SET_META_CONTEXT, Reply.META_CONTEXT, b"\0\0\0\1base:allocation")
ACK_CONTEXT = pack_option_reply(Option.SET_META_CONTEXT, Reply.ACK)
ACK_GO = pack_option_reply(Option.GO, Reply.ACK)
GREETING = HELLO + ACK_STRUCTURED + CONTEXT + ACK_CONTEXT + INFO + ACK_GO
SIMPLE_GREETING = HELLO + INFO + ACK_GO


def simple(error: int, handle: int = 1) -> bytes:
    return protocol.SIMPLE_REPLY.pack(protocol.SIMPLE_REPLY_MAGIC, error, handle)


def chunk(kind: int, payload: bytes = b"", flags: int = DONE, handle: int = 1) -> bytes:
    return CHUNK.pack(protocol.STRUCTURED_REPLY_MAGIC, flags, kind, handle, len(payload)) + payload


def data(offset: int, content: bytes, flags: int = DONE) -> bytes:
    return chunk(ChunkType.OFFSET_DATA, struct.pack(">Q", offset) + content, flags)


def hole(offset: int, length: int, flags: int = DONE) -> bytes:
    return chunk(ChunkType.OFFSET_HOLE, struct.pack(">QI", offset, length), flags)


def status(*extents: tuple[int, int], context: int = 1, flags: int = DONE) -> bytes:
    return protocol.pack_status_chunk(1, context, list(extents), flags)


async def against(
    path: Path, greeting: bytes, replies: bytes, main: Callable[[str], Awaitable[None]], *, close: bool = False
) -> None:
    """Run ``main`` against a server that says ``greeting`` at once and ``replies`` after the first request."""

    served: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        try:
            # The client's options are what they are; its first request starts with this.
            if not close:
                await reader.readuntil(struct.pack(">I", protocol.REQUEST_MAGIC))
                await reader.readexactly(protocol.REQUEST.size - 4)
                writer.write(replies)
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        served.set_result(None)

    socket = str(path / "s")
    server = await asyncio.start_unix_server(serve, socket)
    try:
        async with asyncio.timeout(30):
            await main(socket)
            await served
    finally:
        server.close()
        await server.wait_closed()


async def ask(client: NbdClient, command: Command) -> ClientRequest:
    """The request that the replies in the tables below answer."""
    if command is Command.BLOCK_STATUS:
        await client.block_status(4096, 1024)
        raise AssertionError("every status in the tables is wrong")
    if command is Command.READ:
        return await client.submit(Operation.READ, 4096, 1024).future
    return await client.submit(Operation.WRITE, 4096, 1024, bytes(1024)).future


@pytest.mark.parametrize(
    ("greeting", "message"),
    [
        (
            b"HTTP/1.1 400 Bad Request\r\n",
            "greeting 0x485454502f312e31 0x2034303020426164 is not that of a newstyle server",
        ),
        (HELLO[:16] + b"\0\0", "handshake flags 0x0 lack fixed newstyle"),
        (HELLO + b"x" * 20, "option reply magic 0x7878787878787878 is not 0x3e889045565a9"),
        (HELLO + ACK_GO, "reply to option 7 came for option STRUCTURED_REPLY"),
        (
            HELLO + protocol.OPTION_REPLY_HEADER.pack(protocol.OPTION_REPLY_MAGIC, 8, 1, 0xFFFFFFFF),
            "option reply of 4294967295 bytes is more than 65536",
        ),
        (HELLO + pack_option_reply(8, Reply.ACK, b"x"), "acknowledgement of STRUCTURED_REPLY carries 1 bytes"),
        (HELLO + pack_option_reply(8, Reply.SERVER), "reply SERVER does not answer STRUCTURED_REPLY"),
        (
            HELLO + ACK_STRUCTURED + pack_option_reply(10, 4, b"\0\0\0\1x:y"),
            "metadata context 'x:y' was not asked for",
        ),
        (
            HELLO + ACK_STRUCTURED + CONTEXT + CONTEXT,
            "metadata context 'base:allocation' with id 1 comes twice",
        ),
        (HELLO + ACK_STRUCTURED + pack_option_reply(10, 4, b"\0"), "context id of 4 bytes exceeds the 1 there are"),
        (
            HELLO + ACK_STRUCTURED + ACK_CONTEXT + ACK_GO,
            "GO was acknowledged without the size of the export",
        ),
        (
            HELLO + ACK_STRUCTURED + ACK_CONTEXT + pack_option_reply(7, 3, b"\0\0\0"),
            "export information has 3 bytes, not 12",
        ),
        (
            HELLO + ACK_STRUCTURED + ACK_CONTEXT + pack_option_reply(7, 3, b"\0"),
            "information of 1 bytes has no type",
        ),
        (
            HELLO + ACK_STRUCTURED + ACK_CONTEXT + pack_option_reply(7, 3, protocol.INFO_EXPORT.pack(0, SIZE, 2)),
            "transmission flags 0x2 lack HAS_FLAGS",
        ),
        (
            HELLO + ACK_STRUCTURED + ACK_CONTEXT + pack_option_reply(7, 3, protocol.INFO_BLOCK_SIZE.pack(3, 3, 4, 5)),
            "block sizes 3, 4, 5 contradict one another",
        ),
        (HELLO + ACK_STRUCTURED + ACK_CONTEXT + 1001 * INFO, "more than 1000 replies to GO"),
    ],
)
def test_greeting_that_breaks_the_protocol_is_named(tmp_path: Path, greeting: bytes, message: str) -> None:
    async def main(socket: str) -> None:
        with pytest.raises(ProtocolViolation) as caught:
            await NbdClient.connect(socket, "x")
        assert str(caught.value) == f"NBD server: {message}"

    asyncio.run(against(tmp_path, greeting, b"", main))


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (pack_option_reply(7, Reply.ERR_POLICY, b"no\n"), "GO for export 'x': ERR_POLICY: no?"),
        (pack_option_reply(7, 0x80001234), "GO for export 'x': 2147488308"),
    ],
)
def test_refusal_is_told_with_the_servers_words(tmp_path: Path, refusal: bytes, message: str) -> None:
    async def main(socket: str) -> None:
        with pytest.raises(ImplementationError) as caught:
            await NbdClient.connect(socket, "x", structured=False)
        assert str(caught.value) == f"NBD server refuses {message}"

    asyncio.run(against(tmp_path, HELLO + refusal, b"", main))


def test_server_without_extensions_is_taken_as_it_is(tmp_path: Path) -> None:
    refusal = pack_option_reply(Option.STRUCTURED_REPLY, Reply.ERR_UNSUP)

    async def main(socket: str) -> None:
        client = await NbdClient.connect(socket, "x")
        assert (client.terms.structured, client.contexts) == (False, ())
        assert (await ask(client, Command.READ)).data == b"z" * 1024
        client.abort()

    asyncio.run(against(tmp_path, HELLO + refusal + INFO + ACK_GO, simple(0) + b"z" * 1024, main))


def test_server_that_closes_in_the_handshake_is_named(tmp_path: Path) -> None:
    async def main(socket: str) -> None:
        with pytest.raises(ImplementationError, match=r"^NBD server closed the connection during the handshake$"):
            await NbdClient.connect(socket, "x")

    asyncio.run(against(tmp_path, HELLO, b"", main, close=True))


def test_server_that_says_nothing_hangs(tmp_path: Path) -> None:
    async def main(socket: str) -> None:
        with pytest.raises(ImplementationHang, match=r"^NBD handshake for export 'x' has no end after 0.01 s$"):
            await NbdClient.connect(socket, "x", timeout_s=0.01)

    asyncio.run(against(tmp_path, b"", b"", main))


def test_server_that_keeps_the_connection_after_goodbye_hangs(tmp_path: Path) -> None:
    async def main(socket: str) -> None:
        client = await NbdClient.connect(socket, "x")
        request = client.submit(Operation.READ, 0, 512)
        message = r"^NBD server keeps the connection 0.01 s after the disconnect$"
        with pytest.raises(ImplementationHang, match=message) as caught:
            await client.disconnect(timeout_s=0.01)
        assert caught.value.waits == ("read 0+512",)
        assert request.state is ClientRequestState.LOST

    asyncio.run(against(tmp_path, GREETING, b"", main))


HALF = b"a" * 512


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        (data(4096, HALF * 2), HALF * 2),
        (data(4608, HALF, 0) + hole(4096, 512), bytes(512) + HALF),
        (hole(4096, 512, 0) + data(4608, HALF, 0) + chunk(ChunkType.NONE), bytes(512) + HALF),
        (data(4096, b"b", 0) + data(5119, b"c", 0) + data(4097, b"d" * 1022), b"b" + b"d" * 1022 + b"c"),
    ],
)
def test_read_in_any_chunks_is_put_together(tmp_path: Path, replies: bytes, expected: bytes) -> None:
    async def main(socket: str) -> None:
        client = await NbdClient.connect(socket, "x")
        assert (await ask(client, Command.READ)).data == expected
        client.abort()

    asyncio.run(against(tmp_path, GREETING, replies, main))


def error_chunk(kind: int, error: int, message: bytes, rest: bytes = b"", flags: int = DONE) -> bytes:
    return chunk(kind, protocol.ERROR.pack(error, len(message)) + message + rest, flags)


@pytest.mark.parametrize(
    "replies",
    [
        error_chunk(ChunkType.ERROR, errno.EIO, b"bad sector"),
        data(4096, HALF, 0) + error_chunk(ChunkType.ERROR_OFFSET, errno.EIO, b"bad sector", struct.pack(">Q", 4608)),
        error_chunk(0xFFFF, errno.EIO, b"bad sector", b"from the future", flags=0) + chunk(ChunkType.NONE),
        error_chunk(ChunkType.ERROR, errno.EIO, b"bad sector", flags=0)
        + error_chunk(ChunkType.ERROR, errno.EPERM, b"second"),
    ],
)
def test_read_with_an_error_chunk_fails_with_the_first_error(tmp_path: Path, replies: bytes) -> None:
    async def main(socket: str) -> None:
        client = await NbdClient.connect(socket, "x")
        request = await ask(client, Command.READ)
        assert (request.state, request.errno, request.message) == (ClientRequestState.FAILED, errno.EIO, "bad sector")
        assert request.data is None
        client.abort()

    asyncio.run(against(tmp_path, GREETING, replies, main))


READ, WRITE, STATUS = Command.READ, Command.WRITE, Command.BLOCK_STATUS


@pytest.mark.parametrize(
    ("command", "replies", "message"),
    [
        (READ, b"x" * 16, "reply magic 0x78787878 is none of NBD's"),
        (READ, simple(0), "simple reply to read 4k+1k after structured ones were negotiated"),
        (READ, simple(5), "simple reply to read 4k+1k after structured ones were negotiated"),
        (WRITE, simple(0, 3), "reply to handle 0x3, which no request in flight has"),
        (WRITE, chunk(ChunkType.NONE, handle=9), "reply to handle 0x9, which no request in flight has"),
        (WRITE, data(4096, HALF), "chunk OFFSET_DATA does not answer write 4k+1k"),
        (READ, status((1024, 0)), "chunk BLOCK_STATUS does not answer read 4k+1k"),
        (READ, chunk(77), "chunk 77 does not answer read 4k+1k"),
        (READ, chunk(ChunkType.NONE, flags=0), "chunk NONE must be empty and the last one"),
        (READ, chunk(ChunkType.NONE, b"x"), "chunk NONE must be empty and the last one"),
        (READ, chunk(ChunkType.NONE), "chunks of read 4k+1k hold 0 bytes"),
        (READ, data(4096, HALF), "chunks of read 4k+1k hold 512 bytes"),
        (READ, data(4096, HALF * 2 + b"x"), "chunk OFFSET_DATA of 1033 bytes for read 4k+1k is too long"),
        (READ, chunk(ChunkType.OFFSET_DATA, bytes(8)), "data chunk of 8 bytes holds no data"),
        (READ, chunk(ChunkType.OFFSET_HOLE, bytes(8)), "hole chunk has 8 bytes, not 12"),
        (READ, hole(4096, 0), "chunk 4096+0 does not lie within read 4k+1k"),
        (READ, hole(4000, 512), "chunk 4000+512 does not lie within read 4k+1k"),
        (READ, data(4608 + 1, HALF), "chunk 4609+512 does not lie within read 4k+1k"),
        (READ, hole(4096, 1 << 31), f"chunk 4096+{1 << 31} does not lie within read 4k+1k"),
        (READ, hole(4096, 600, 0) + hole(4500, 600), "chunks of read 4k+1k overlap"),
        (READ, hole(4096, 600, 0) + hole(4600, 424), "chunks of read 4k+1k overlap or leave a gap at 4696"),
        (READ, chunk(ChunkType.ERROR, b"sho"), "error of 4 bytes exceeds the 3 there are"),
        (READ, chunk(ChunkType.ERROR, bytes(6)), "error chunk reports error 0"),
        (WRITE, chunk(ChunkType.ERROR, struct.pack(">IH", 5, 3)), "message of 3 bytes exceeds the 0 there are"),
        (
            WRITE,
            CHUNK.pack(protocol.STRUCTURED_REPLY_MAGIC, DONE, ChunkType.ERROR, 1, 0xFFFFFFFF),
            "chunk ERROR of 4294967295 bytes for write 4k+1k is too long",
        ),
        (
            WRITE,
            chunk(ChunkType.ERROR, struct.pack(">IH", 5, 0), flags=0) + simple(0),
            "simple reply to write 4k+1k follows chunks of a structured one",
        ),
        (STATUS, simple(0), "simple reply to block status 4k+1k reports success without a status"),
        (STATUS, chunk(ChunkType.NONE), "block status 4k+1k lacks a status for base:allocation"),
        (STATUS, status((1024, 0), context=2), "block status for context id 2, which was not granted"),
        (STATUS, status((1024, 0), flags=0) + status((1024, 0)), "block status for base:allocation comes twice"),
        (STATUS, status((0, 0)), "block status has an extent of length 0"),
        (
            STATUS,
            status((1024, 0), (1, 3)),
            "block status for base:allocation goes on after the end of block status 4k+1k",
        ),
    ],
)
def test_reply_that_breaks_the_protocol_is_named(
    tmp_path: Path, command: Command, replies: bytes, message: str
) -> None:
    async def main(socket: str) -> None:
        client = await NbdClient.connect(socket, "x")
        # More than one request is under way: all of them end, and so does the connection.
        asking = asyncio.ensure_future(ask(client, command))
        await asyncio.sleep(0)
        other = client.submit(Operation.FLUSH, 0, 0)
        for lost in (asking, other.future):
            with pytest.raises(ProtocolViolation) as caught:
                await lost
            assert str(caught.value) == f"NBD server: {message}"
        assert other.state is ClientRequestState.LOST
        assert client.is_closed
        with pytest.raises(ProtocolViolation):
            client.submit(Operation.FLUSH, 0, 0)

    asyncio.run(against(tmp_path, GREETING, replies, main))


def test_structured_reply_that_was_not_negotiated_is_named(tmp_path: Path) -> None:
    async def main(socket: str) -> None:
        client = await NbdClient.connect(socket, "x", structured=False)
        message = r"^NBD server: structured reply comes without having been negotiated$"
        with pytest.raises(ProtocolViolation, match=message):
            await ask(client, Command.READ)

    asyncio.run(against(tmp_path, SIMPLE_GREETING, data(4096, HALF * 2), main))


def test_status_whose_last_extent_reaches_further_is_cut(tmp_path: Path) -> None:
    async def main(socket: str) -> None:
        client = await NbdClient.connect(socket, "x")
        assert await client.block_status(4096, 1024) == [(4096, 512, 3), (4608, 512, 0)]
        client.abort()

    asyncio.run(against(tmp_path, GREETING, status((512, 3), (1 << 20, 0)), main))
