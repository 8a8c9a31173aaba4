"""Garbage against the NBD server and client: an error reply or a closed connection each, and nothing else.

Messages are valid ones with a few bytes, lengths or boundaries spoilt, for pure noise gets no further than the first
magic number. They are fed straight into the protocol objects over a transport made of nothing, so that a session takes
a fraction of a millisecond and every run is the same.
"""

from __future__ import annotations

import asyncio
import gc
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness.errors import ImplementationError
from harness.nbd import protocol
from harness.nbd.client import NbdClient
from harness.nbd.client_request import ClientRequestState
from harness.nbd.protocol import ContextQuery, InfoQuery, Option, Reply, Request
from harness.nbd.replies import ReplyStream
from harness.nbd.server import NbdServer, ServerConnection
from harness.nbd.stream import MessageStream
from harness.storage import HeldStorage, Operation

SIZE = 1 << 20
NUMBERS = (0, 1, 2, 3, 7, 8, 255, 511, 512, 4096, 65535, 65536, SIZE, 1 << 31, (1 << 32) - 1)


class NoTransport(asyncio.Transport):
    """Takes what is written, and remembers whether the connection was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.is_closed = False
        self.is_paused = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        assert not self.is_closed
        self.written.append(bytes(data))

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def get_write_buffer_size(self) -> int:
        return 0


def feed(stream: MessageStream, transport: NoTransport, data: bytes, random: Random) -> None:
    """Deliver bytes in pieces of random sizes, as a socket would."""
    position = 0
    while position < len(data) and not transport.is_closed and not transport.is_paused:
        buffer = stream.get_buffer(-1)
        assert 0 < len(buffer) <= protocol.MAX_PAYLOAD + (256 << 10), "memory is bounded by one payload"
        count = min(len(buffer), len(data) - position, random.choice((1, 7, 28, 100, 4096, 1 << 20)))
        buffer[:count] = data[position : position + count]
        position += count
        stream.buffer_updated(count)


def spoil(message: bytes, random: Random) -> bytes:
    """A message with one thing wrong; sometimes with nothing wrong."""
    spoilt = bytearray(message)
    at = random.randrange(len(spoilt))
    kind = random.randrange(8)
    if kind == 0:
        spoilt[at] = random.randrange(256)
    elif kind == 1:
        spoilt[at] ^= 1 << random.randrange(8)
    elif kind == 2:
        del spoilt[at:]
    elif kind == 3:
        spoilt[at:at] = random.randbytes(random.randrange(1, 9))
    elif kind == 4 and len(spoilt) >= 4:
        at = random.randrange(len(spoilt) - 3)
        spoilt[at : at + 4] = struct.pack(">I", random.choice(NUMBERS))
    elif kind == 5:
        spoilt += message
    return bytes(spoilt)


def option(random: Random) -> bytes:
    name = random.choice(("disk", "", "nope", "x" * 4097))
    info = protocol.pack_info_query(
        InfoQuery(name, tuple(random.choice(NUMBERS[:6]) for _ in range(random.randrange(4))))
    )
    queries = tuple(random.choice(("base:allocation", "base:", "", "x:y")) for _ in range(random.randrange(4)))
    return protocol.pack_option(
        *random.choice(
            (
                (Option.LIST, b""),
                (Option.STRUCTURED_REPLY, b""),
                (Option.INFO, info),
                (Option.GO, info),
                (Option.LIST_META_CONTEXT, protocol.pack_context_query(ContextQuery(name, queries))),
                (Option.SET_META_CONTEXT, protocol.pack_context_query(ContextQuery(name, queries))),
                (Option.STARTTLS, b""),
                (random.choice(NUMBERS), random.randbytes(random.randrange(20))),
            )
        )
    )


def request(random: Random) -> bytes:
    command = (
        random.choice((0, 0, 0, 1, 1, 1, 3, 3, 4, 4, 6, 6, 7, 7)) if random.random() < 0.9 else random.choice(NUMBERS)
    )
    flags = 0 if random.random() < 0.7 else random.choice((1, 2, 4, 8, 16, 0xFFFF))
    offset = 0 if command == 3 else random.choice((0, 1, 512, 65536, SIZE - 512, SIZE, 1 << 63, (1 << 64) - 1))
    length = 0 if command == 3 else random.choice((0, 1, 512, 512, 512, 4096, 65536, SIZE, 1 << 31, (1 << 32) - 1))
    header = protocol.pack_request(Request(flags, command & 0xFFFF, random.randrange(4), offset, length))
    return header + (bytes(min(length, 1 << 16)) if command == 1 else b"")


def client_messages(random: Random) -> list[bytes]:
    """What a broken client sends from beginning to end, message by message."""
    flags = protocol.CLIENT_FLAGS.pack(3)
    session = [flags if random.random() < 0.95 else spoil(flags, random)]
    session += [option(random) for _ in range(random.randrange(3))]
    session += [spoil(option(random), random) for _ in range(random.randrange(2))]
    if random.random() < 0.8:
        context = protocol.pack_context_query(ContextQuery("disk", ("base:allocation",)))
        session.append(protocol.pack_option(Option.STRUCTURED_REPLY))
        session.append(protocol.pack_option(Option.SET_META_CONTEXT, context))
        session.append(protocol.pack_option(Option.GO, protocol.pack_info_query(InfoQuery("disk", ()))))
        session += [request(random) for _ in range(random.randrange(10))]
        session += [spoil(request(random), random) for _ in range(random.randrange(5))]
    return session


def client_session(random: Random) -> bytes:
    """The same in one piece."""
    return b"".join(client_messages(random))


async def run_server_sessions(server: NbdServer, count: int) -> int:
    """Play the sessions with seeds 0..count-1; the number of bytes of all replies."""
    replied = 0
    for seed in range(count):
        random = Random(seed)
        transport = NoTransport()
        connection = ServerConnection(server)
        connection.connection_made(transport)
        feed(connection, transport, client_session(random), random)
        connection.connection_lost(None)
        replied += sum(len(reply) for reply in transport.written)
    return replied


@pytest.mark.slow
def test_server_survives_broken_clients_without_growing(tmp_path: Path) -> None:
    async def main() -> None:
        server = await NbdServer.start(tmp_path / "s")
        disk = HeldStorage("disk", SIZE)
        disk.limit_record(10)
        server.add_export("disk", disk, hole_chunks=True)
        replied = await run_server_sessions(server, 3000)
        # The sessions are worth something only while most get as far as the transmission phase.
        assert replied > 1 << 20
        assert disk.request_count > 2000
        assert len(server.violations) == 100
        assert server.connection_count == 0
        gc.collect()
        tracemalloc.start()
        await run_server_sessions(server, 300)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        await run_server_sessions(server, 300)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert after - before < 64 << 10
        client = await NbdClient.connect(server.path, "disk")
        await client.write(0, b"still here")
        assert await client.read(0, 10) == b"still here"
        await server.close()

    asyncio.run(main())


@pytest.mark.slow
def test_server_survives_broken_clients_on_real_sockets(tmp_path: Path) -> None:
    async def main() -> None:
        bugs: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))
        server = await NbdServer.start(tmp_path / "s")
        disk = HeldStorage("disk", SIZE)
        server.add_export("disk", disk)
        for seed in range(200):
            random = Random(seed)
            reader, writer = await asyncio.open_unix_connection(server.path)
            writer.write(client_session(random))
            try:
                if random.random() < 0.5:
                    writer.write_eof()
                    await reader.read()
            except ConnectionError:
                pass
            writer.close()
        client = await NbdClient.connect(server.path, "disk")
        await client.flush()
        await client.disconnect()
        await server.close()
        assert bugs == []

    asyncio.run(main())


# The client

GREETING = (
    protocol.SERVER_HELLO.pack(protocol.INIT_MAGIC, protocol.OPTION_MAGIC, 3),
    protocol.pack_option_reply(Option.STRUCTURED_REPLY, Reply.ACK),
    protocol.pack_option_reply(Option.SET_META_CONTEXT, Reply.META_CONTEXT, b"\0\0\0\1base:allocation"),
    protocol.pack_option_reply(Option.SET_META_CONTEXT, Reply.ACK),
    protocol.pack_option_reply(Option.GO, Reply.INFO, protocol.INFO_EXPORT.pack(0, SIZE, 0x1ED)),
    protocol.pack_option_reply(Option.GO, Reply.INFO, protocol.INFO_BLOCK_SIZE.pack(3, 1, 4096, 32 << 20)),
    protocol.pack_option_reply(Option.GO, Reply.ACK),
)


def reply(random: Random) -> bytes:
    """A reply that fits one of the requests with handles 1 to 3 more or less: a read, a write, a flush."""
    handle = random.randrange(1, 4)
    simple = protocol.SIMPLE_REPLY.pack(protocol.SIMPLE_REPLY_MAGIC, random.choice((0, 0, 5, 22)), handle)
    offset, length = random.choice((0, 512, 100)), random.choice((1, 512, 1024))
    done = random.randrange(2)

    def chunk(kind: int, payload: bytes, flags: int = done) -> bytes:
        header = protocol.CHUNK.pack(protocol.STRUCTURED_REPLY_MAGIC, flags, kind, handle, len(payload))
        return header + payload

    makers: tuple[Callable[[], bytes], ...] = (
        lambda: simple,
        lambda: chunk(1, struct.pack(">Q", offset) + bytes(length)),
        lambda: chunk(2, struct.pack(">QI", offset, length)),
        lambda: chunk(0, b"", 1),
        lambda: chunk(5, struct.pack(">III", 1, length, 3)),
        lambda: protocol.pack_error_chunk(handle, 5, "no"),
        lambda: chunk(random.choice((3, 0x8002, 0xFFFF)), random.randbytes(random.randrange(16))),
    )
    return random.choice(makers)()


async def greet_with(messages: list[bytes], random: Random) -> tuple[ReplyStream, NoTransport, bool]:
    """Play a greeting to a fresh client; whether it got through."""
    stream, transport = ReplyStream(), NoTransport()
    stream.connection_made(transport)
    greeting = asyncio.ensure_future(stream.greet("disk", structured=True, contexts=("base:allocation",)))
    for message in messages:
        await asyncio.sleep(0)
        for byte in range(len(message)):
            while transport.is_paused and not greeting.done():  # noqa: ASYNC110 - pausing raises no event
                await asyncio.sleep(0)
            if greeting.done():
                break
            feed(stream, transport, message[byte : byte + 1], random)
    for _ in range(10):
        await asyncio.sleep(0)
    if not greeting.done():
        stream.connection_lost(None)
    try:
        await greeting
    except ImplementationError:
        return stream, transport, False
    return stream, transport, True


@pytest.mark.slow
def test_client_survives_broken_greetings(tmp_path: Path) -> None:
    async def main() -> None:
        outcomes = set()
        for seed in range(500):
            random = Random(seed)
            messages = list(GREETING)
            at = random.randrange(len(messages))
            messages[at] = spoil(messages[at], random)
            _, _, is_through = await greet_with(messages, random)
            outcomes.add(is_through)
        assert outcomes == {True, False}

    asyncio.run(main())


@pytest.mark.slow
def test_client_survives_broken_replies(tmp_path: Path) -> None:
    async def main() -> None:
        ends = dict.fromkeys(ClientRequestState, 0)
        for seed in range(3000):
            random = Random(seed)
            stream, transport = ReplyStream(), NoTransport()
            stream.connection_made(transport)
            stream.terms.structured = seed % 4 != 0
            stream.terms.contexts = {1: "base:allocation"}
            stream.begin()
            client = NbdClient("disk", stream)
            stream.terms.flags = 0x1ED
            requests = [
                client.submit(Operation.READ, 0, 1024),
                client.submit(Operation.WRITE, 0, 1024, bytes(1024)),
                client.submit(Operation.FLUSH, 0, 0),
            ]
            replies = [reply(random) for _ in range(random.randrange(1, 8))]
            if random.random() < 0.5:
                replies[-1] = spoil(replies[-1], random)
            feed(stream, transport, b"".join(replies), random)
            stream.connection_lost(None)
            for one in requests:
                assert one.is_done, "no request outlives its connection"
                assert (one.error is not None) == (one.state is ClientRequestState.LOST)
                if one.operation is Operation.READ and one.state is ClientRequestState.COMPLETED:
                    assert one.data is not None
                    assert len(one.data) == 1024
                ends[one.state] += 1
        assert all(count for state, count in ends.items() if state is not ClientRequestState.PENDING)

    asyncio.run(main())
