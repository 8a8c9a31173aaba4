"""NBD server and client on one loop: what each makes of the other, and of requests that are held."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from harness.errors import CaseError, ImplementationError
from harness.nbd import protocol
from harness.nbd import server as server_module
from harness.nbd.client import NbdClient
from harness.nbd.client_request import ClientRequest, ClientRequestState, StatusExtent
from harness.nbd.protocol import Command, CommandFlag, Request
from harness.nbd.server import NbdServer
from harness.storage import HeldStorage, Operation, RequestState

SIZE = 4 << 20
K64 = 65536
READ, WRITE, ZERO, DISCARD, FLUSH = (
    Operation.READ,
    Operation.WRITE,
    Operation.ZERO,
    Operation.DISCARD,
    Operation.FLUSH,
)


class Bench:
    """A server with the disk "target", and clients of it."""

    def __init__(self, server: NbdServer, disk: HeldStorage) -> None:
        self.server = server
        self.disk = disk

    async def connect(self, export: str = "target", *, structured: bool = True) -> NbdClient:
        return await NbdClient.connect(self.server.path, export, structured=structured)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the loop turn until something has happened; the run's limit catches what never does."""
        while not condition():  # noqa: ASYNC110 - nothing announces what it waits for
            await asyncio.sleep(0)


@asynccontextmanager
async def bench(path: Path, **terms: int | bool) -> AsyncIterator[Bench]:
    server = await NbdServer.start(path / "s")
    disk = HeldStorage("target", SIZE)
    server.add_export("target", disk, **terms)  # type: ignore[arg-type]
    try:
        yield Bench(server, disk)
    finally:
        await server.close()
    assert os.listdir(path) == []
    assert server.connection_count == 0


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(30):
            await main()

    asyncio.run(limited())


@pytest.mark.parametrize("structured", [True, False])
@pytest.mark.parametrize("hole_chunks", [True, False])
def test_every_operation_reaches_the_disk_as_it_was_sent(tmp_path: Path, structured: bool, hole_chunks: bool) -> None:
    async def main() -> None:
        async with bench(tmp_path, hole_chunks=hole_chunks) as b:
            client = await b.connect(structured=structured)
            assert client.size == SIZE
            assert client.contexts == (("base:allocation",) if structured else ())
            await client.write(K64 + 1, b"hello", fua=True)
            assert await client.read(K64, 8) == b"\0hello\0\0"
            assert await client.read(0, 3 * K64) == bytes(K64 + 1) + b"hello" + bytes(2 * K64 - 6)
            await client.zero(0, K64)
            await client.zero(2 * K64, K64, may_unmap=True)
            await client.discard(3 * K64, K64, fua=True)
            await client.flush()
            sent = [(r.describe(), r.fua, r.may_unmap) for r in b.disk.requests if r.operation is not READ]
            assert sent == [
                ("write 65537+5", True, False),
                ("zero 0+64k", False, False),
                ("zero 128k+64k", False, True),
                ("discard 192k+64k", True, True),
                ("flush", False, False),
            ]
            assert list(b.server.violations) == []
            await client.disconnect()
            await b.until(lambda: b.server.connection_count == 0)

    run(main)


def test_replies_come_in_the_order_of_release(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            client = await b.connect()
            b.disk.hold(WRITE)
            finished: list[ClientRequest] = []
            requests = [client.submit(WRITE, 0, 1, bytes([n]), on_complete=finished.append) for n in range(3)]
            await b.until(lambda: len(b.disk.held) == 3)
            assert await client.read(0, 1) == b"\0", "a read overtakes what is held"
            assert finished == []
            assert b.server.idle()
            activity = b.server.activity
            for n in (1, 2, 0):
                b.disk.held[[r.data for r in b.disk.held].index(bytes([n]))].release()
            assert b.server.activity == activity + 3
            await b.until(lambda: len(finished) == 3)
            assert finished == [requests[1], requests[2], requests[0]]
            assert await client.read(0, 1) == b"\0"
            assert client.pending == []

    run(main)


@pytest.mark.parametrize("structured", [True, False])
def test_errors_of_the_disk_reach_the_client(tmp_path: Path, structured: bool) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            client = await b.connect(structured=structured)
            b.disk.fail(READ, errno.EIO)
            b.disk.fail(WRITE, errno.EDQUOT)
            with pytest.raises(OSError, match=r"^\[Errno 5\] Input/output error: 'read 0\+512'$") as caught:
                await client.read(0, 512)
            assert caught.value.errno == errno.EIO
            failed = await client.submit(WRITE, 0, 1, b"x").future
            assert (failed.state, failed.errno) == (ClientRequestState.FAILED, errno.ENOSPC)
            await client.write(0, b"x")
            for operation, error in ((READ, errno.EINVAL), (WRITE, errno.ENOSPC), (ZERO, errno.ENOSPC)):
                data = bytes(512) if operation is WRITE else None
                request = await client.submit(operation, SIZE, 512, data).future
                assert request.errno == error
            assert b.server.violations[0] == f"READ {SIZE}+512: range ends beyond the size {SIZE}"
            assert len(b.server.violations) == 3

    run(main)


def test_block_status_follows_what_was_written(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            client = await b.connect()
            b.disk.fill(1, K64, K64)
            b.disk.fill(0, 2 * K64, K64)
            assert await client.block_status(0, SIZE) == [
                StatusExtent(0, K64, 3),
                StatusExtent(K64, K64, 0),
                StatusExtent(2 * K64, K64, 2),
                StatusExtent(3 * K64, SIZE - 3 * K64, 3),
            ]
            assert await client.block_status(K64 + 100, 50) == [StatusExtent(K64 + 100, 50, 0)]
            assert b.disk.requests == []
            with pytest.raises(OSError, match=r"Errno 22.*'block status 4M\+512'$"):
                await client.block_status(SIZE, 512)
            message = r"^metadata context 'qemu:x' was not granted; granted: base:allocation$"
            with pytest.raises(CaseError, match=message):
                await client.block_status(0, 512, "qemu:x")

    run(main)


def test_block_status_with_more_extents_than_a_reply_holds_is_complete(tmp_path: Path) -> None:
    async def main() -> None:
        server = await NbdServer.start(tmp_path / "s")
        disk = HeldStorage("striped", 40 << 20)
        server.add_export("", disk)
        for offset in range(0, disk.size, 8192):
            disk.write_bytes(offset, b"x")
        client = await NbdClient.connect(server.path, "")
        extents = await client.block_status(0, disk.size)
        assert len(extents) == 2 * (40 << 20) // 8192
        assert sum(extent.length for extent in extents) == disk.size
        await server.close()

    run(main)


def test_read_only_export_refuses_every_change(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path, read_only=True) as b:
            client = await b.connect()
            assert client.flags & protocol.TransmissionFlag.READ_ONLY
            for operation in (WRITE, ZERO, DISCARD):
                data = bytes(512) if operation is WRITE else None
                request = await client.submit(operation, 0, 512, data).future
                assert (request.errno, request.message) == (errno.EPERM, "export is read-only")
            await client.flush()
            assert [request.operation for request in b.disk.requests] == [FLUSH]

    run(main)


def test_minimum_block_size_is_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path, minimum_block=512) as b:
            client = await b.connect()
            assert client.terms.minimum_block == 512
            for offset, length in ((1, 512), (0, 511)):
                request = await client.submit(READ, offset, length).future
                assert request.errno == errno.EINVAL
                assert request.message == "range is not aligned to the minimum block size 512"
            assert await client.read(512, 512) == bytes(512)
            assert len(b.server.violations) == 2

    run(main)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(0, 99, 1, 0, 512), "99 0+512: command 99 is not supported"),
        (Request(0, Command.CACHE, 1, 0, 512), "CACHE 0+512: command 5 is not supported"),
        (Request(0x8000, Command.READ, 1, 0, 512), "READ 0+512: flags 0x8000 are not all valid here"),
        (Request(CommandFlag.DF, Command.READ, 1, 0, 512), "READ 0+512: flag DF needs structured replies"),
        (
            Request(CommandFlag.FAST_ZERO, Command.WRITE_ZEROES, 1, 0, 512),
            "WRITE_ZEROES 0+512: flags 0x10 are not all valid here",
        ),
        (Request(0, Command.READ, 1, 0, 0), "READ 0+0: length is 0"),
        (Request(0, Command.FLUSH, 1, 0, 1), "FLUSH 0+1: a flush has offset 0 and length 0"),
        (
            Request(0, Command.READ, 1, 0, (32 << 20) + 1),
            "READ 0+33554433: length is more than the maximum payload 33554432",
        ),
        (Request(0, Command.BLOCK_STATUS, 1, 0, 512), "BLOCK_STATUS 0+512: no metadata context was selected"),
    ],
)
def test_request_against_the_rules_gets_einval_and_is_noted(tmp_path: Path, request_: Request, message: str) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            reader, writer = await asyncio.open_unix_connection(b.server.path)
            writer.write(protocol.CLIENT_FLAGS.pack(3) + protocol.pack_option(1, b"target"))
            await reader.readexactly(18 + 10)
            writer.write(protocol.pack_request(request_))
            assert protocol.SIMPLE_REPLY.unpack(await reader.readexactly(16))[1:] == (errno.EINVAL, 1)
            assert list(b.server.violations) == [message]
            writer.write(protocol.pack_request(Request(CommandFlag.FUA, Command.READ, 2, 0, 4)))
            assert await reader.readexactly(20) == protocol.SIMPLE_REPLY.pack(0x67446698, 0, 2) + bytes(4)
            writer.close()

    run(main)


def test_handle_that_is_reused_in_flight_is_noted(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            reader, writer = await asyncio.open_unix_connection(b.server.path)
            writer.write(protocol.CLIENT_FLAGS.pack(3) + protocol.pack_option(1, b"target"))
            await reader.readexactly(18 + 10)
            b.disk.hold()
            writer.write(2 * protocol.pack_request(Request(0, Command.FLUSH, 5, 0, 0)))
            await b.until(lambda: len(b.disk.held) == 2)
            assert list(b.server.violations) == ["handle 0x5 of a request in flight is used again"]
            b.disk.release_all()
            await reader.readexactly(32)
            writer.close()

    run(main)


def test_client_that_goes_away_leaves_its_requests_in_the_record(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            client = await b.connect()
            b.disk.hold(WRITE)
            write = client.submit(WRITE, 0, 1, b"x")
            await b.until(lambda: len(b.disk.held) == 1)
            client.abort()
            assert write.state is ClientRequestState.LOST
            with pytest.raises(ImplementationError, match=r"^connection to export 'target' was cut by the case$"):
                await write.future
            await b.until(lambda: b.server.connection_count == 0)
            b.disk.release_all()
            assert b.disk.requests[0].state is RequestState.COMPLETED
            assert b.disk.read_bytes(0, 1) == b"x"
            assert await (await b.connect()).read(0, 1) == b"x"

    run(main)


def test_server_that_closes_loses_the_requests_in_flight(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            client = await b.connect()
            b.disk.never()
            lost = client.submit(FLUSH, 0, 0)
            await b.until(lambda: bool(b.disk.requests))
            await b.server.close()
            with pytest.raises(
                ImplementationError, match=r"^NBD server ended the connection with 1 request in flight$"
            ):
                await lost.future
            assert lost.errno == errno.ENOTCONN
            with pytest.raises(
                ImplementationError, match=r"^NBD server ended the connection with 1 request in flight$"
            ):
                client.submit(FLUSH, 0, 0)
            with pytest.raises(
                ImplementationError, match=rf"^no NBD server at {b.server.path}: No such file or directory$"
            ):
                await b.connect()

    run(main)


def test_server_that_drops_its_clients_serves_new_ones(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            client = await b.connect()
            b.server.drop_connections()
            with pytest.raises(
                ImplementationError, match=r"^NBD server ended the connection with 1 request in flight$"
            ):
                await client.flush()
            await (await b.connect()).flush()

    run(main)


def test_disconnect_waits_for_what_is_in_flight(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            client = await b.connect()
            b.disk.hold()
            held = client.submit(FLUSH, 0, 0)
            leaving = asyncio.create_task(client.disconnect())
            await b.until(lambda: len(b.disk.held) == 1)
            assert not leaving.done()
            b.disk.release_all()
            await leaving
            assert held.state is ClientRequestState.COMPLETED
            with pytest.raises(CaseError, match=r"^export 'target' is used after its client has disconnected$"):
                client.submit(FLUSH, 0, 0)

    run(main)


def test_requests_beyond_the_limit_wait_in_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_IN_FLIGHT", 8)

    async def main() -> None:
        async with bench(tmp_path) as b:
            client = await b.connect()
            rule = b.disk.hold()
            requests = [client.submit(WRITE, 0, 512, bytes(512)) for _ in range(50)]
            await b.until(lambda: len(b.disk.held) == 8)
            for _ in range(20):
                await asyncio.sleep(0)
            assert len(b.disk.requests) == 8
            assert b.server.idle()
            rule.remove()
            b.disk.release_all()
            await asyncio.gather(*(request.future for request in requests))
            assert len(b.disk.requests) == 50

    run(main)


def test_client_that_does_not_read_is_not_served_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            with socket.socket(socket.AF_UNIX) as mute:
                mute.connect(b.server.path)
                mute.setblocking(False)
                mute.send(protocol.CLIENT_FLAGS.pack(3) + protocol.pack_option(1, b"target"))
                reads = [protocol.pack_request(Request(0, Command.READ, handle, 0, SIZE)) for handle in range(500)]
                mute.send(b"".join(reads))
                await b.until(lambda: bool(b.disk.requests))
                for _ in range(50):
                    await asyncio.sleep(0)
                # One reply of 4 MiB fills the socket; no other is made until the client reads.
                assert len(b.disk.requests) == 1
                assert not b.server.idle()
                other = await b.connect()
                assert await other.read(0, 4) == bytes(4)
            await b.until(lambda: b.server.connection_count == 1)

    run(main)


def test_connections_beyond_the_limit_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "MAX_CONNECTIONS", 2)

    async def main() -> None:
        async with bench(tmp_path) as b:
            first, _ = await b.connect(), await b.connect()
            with pytest.raises(ImplementationError, match=r"^NBD server closed the connection during the handshake$"):
                await b.connect()
            await first.disconnect()
            await (await b.connect()).flush()

    run(main)


def test_flush_covers_the_writes_of_all_connections(tmp_path: Path) -> None:
    async def main() -> None:
        server = await NbdServer.start(tmp_path / "s")
        disk = HeldStorage("target", SIZE, write_back=True)
        server.add_export("target", disk)
        one, other = [await NbdClient.connect(server.path, "target") for _ in range(2)]
        await one.write(0, b"x")
        await one.write(1, b"y", fua=True)
        assert len(disk.unflushed) == 1
        await other.flush()
        assert disk.unflushed == []
        await server.close()

    run(main)


@pytest.mark.slow
def test_large_payloads_pass_whole(tmp_path: Path) -> None:
    async def main() -> None:
        server = await NbdServer.start(tmp_path / "s")
        disk = HeldStorage("target", 64 << 20)
        server.add_export("target", disk)
        client = await NbdClient.connect(server.path, "target")
        data = b"0123456789abcdef" * (2 << 20)
        await asyncio.gather(client.submit(WRITE, 0, len(data), data).future, client.submit(FLUSH, 0, 0).future)
        assert await client.read(0, len(data)) == data
        await server.close()

    run(main)


def test_export_that_is_taken_unknown_or_removed_is_named(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            with pytest.raises(CaseError, match=r"^export 'target' exists already$"):
                b.server.add_export("target", b.disk)
            with pytest.raises(CaseError, match=r"^export 'nope' does not exist$"):
                b.server.remove_export("nope")
            message = (
                r"^NBD server refuses SET_META_CONTEXT for export 'nope': ERR_UNKNOWN: export 'nope' does not exist$"
            )
            with pytest.raises(ImplementationError, match=message):
                await b.connect("nope")
            message = r"^NBD server refuses GO for export 'nope': ERR_UNKNOWN: export 'nope' does not exist$"
            with pytest.raises(ImplementationError, match=message):
                await b.connect("nope", structured=False)
            client = await b.connect()
            b.server.remove_export("target")
            await client.flush()
            assert list(b.server.violations) == []

    run(main)


def test_socket_path_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    long = "/" + 120 * "x"

    async def main() -> None:
        with pytest.raises(CaseError, match=rf"^socket path of 121 bytes is longer than 107: {long}$"):
            await NbdServer.start(long)
        missing = tmp_path / "missing" / "s"
        with pytest.raises(CaseError, match=rf"^cannot listen on {missing}: No such file or directory$"):
            await NbdServer.start(missing)

    run(main)


def test_request_that_cannot_be_sent_is_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with bench(tmp_path) as b:
            client = await b.connect()
            with pytest.raises(CaseError, match=r"^range of 512 bytes at -1 does not fit into an NBD request$"):
                client.submit(READ, -1, 512)
            with pytest.raises(CaseError, match=r"^write of 5 bytes at 0 comes with 4 bytes of data$"):
                client.submit(WRITE, 0, 5, b"four")
            assert client.pending == []

    run(main)
