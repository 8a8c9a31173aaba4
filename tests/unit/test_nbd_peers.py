"""NBD server and client against QEMU's own tools, which must agree with us on what the protocol means."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from harness.nbd.client import NbdClient
from harness.nbd.client_request import StatusExtent
from harness.nbd.server import NbdServer
from harness.storage import HeldStorage, Operation, RequestState

pytestmark = pytest.mark.qemu

SIZE = 4 << 20
K64 = 65536


def tool(name: str) -> str:
    """The path of one of QEMU's programs; the environment may name another build, as MIRRORCHECK_QEMU_IMG=/path."""
    path = os.environ.get(f"MIRRORCHECK_{name.upper().replace('-', '_')}") or shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


async def output(*command: str) -> str:
    """What a program prints; it must succeed."""
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    text, _ = await process.communicate()
    assert process.returncode == 0, text.decode()
    return text.decode()


def run(main: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(30):
            await main()

    asyncio.run(limited())


async def serve(path: Path, stack: AsyncExitStack, **disks: HeldStorage) -> tuple[NbdServer, Callable[[str], str]]:
    server = await NbdServer.start(path / "s")
    stack.push_async_callback(server.close)
    for name, disk in disks.items():
        server.add_export(name, disk, hole_chunks=True)
    return server, lambda name: f"nbd+unix:///{name}?socket={server.path}"


def test_qemu_img_copies_and_compares_exports(tmp_path: Path) -> None:
    qemu_img = tool("qemu-img")

    async def main() -> None:
        source, target = HeldStorage("source", SIZE), HeldStorage("target", SIZE)
        for n in range(0, SIZE - 2 * K64, 3 * K64):
            source.fill(n % 255 + 1, n, K64 + 512)
        async with AsyncExitStack() as stack:
            server, url = await serve(tmp_path, stack, source=source, target=target)
            await output(qemu_img, "convert", "-n", "-f", "raw", "-O", "raw", url("source"), url("target"))
            assert target.first_difference(source) is None
            identical = await output(qemu_img, "compare", "-f", "raw", "-F", "raw", url("source"), url("target"))
            assert identical == "Images are identical.\n"
            mapped = json.loads(await output(qemu_img, "map", "-f", "raw", "--output=json", url("source")))
            holes = [(entry["start"], entry["length"]) for entry in mapped if entry["zero"]]
            extents = source.extents(0, SIZE)
            assert holes == [(extent.offset, extent.length) for extent in extents if extent.is_hole]
            assert list(server.violations) == []

    run(main)


def test_qemu_io_sends_each_operation_as_itself(tmp_path: Path) -> None:
    qemu_io = tool("qemu-io")
    commands = [
        "write -P 5 512 1k",
        "read -P 5 512 1k",
        "write -f -P 6 64k 64k",
        "write -z 64k 64k",
        "write -z -u 64k 64k",
        "discard 128k 64k",
        "flush",
    ]

    async def main() -> None:
        disk = HeldStorage("disk", SIZE)
        async with AsyncExitStack() as stack:
            server, url = await serve(tmp_path, stack, disk=disk)
            arguments = [word for command in commands for word in ("-c", command)]
            # By default qemu-io writes through, which puts FUA on every write.
            await output(qemu_io, "-f", "raw", "-t", "writeback", *arguments, url("disk"))
            assert [(r.describe(), r.fua, r.may_unmap) for r in disk.requests][: len(commands)] == [
                ("write 512+1k", False, False),
                ("read 512+1k", False, False),
                ("write 64k+64k", True, False),
                ("zero 64k+64k", False, False),
                ("zero 64k+64k", False, True),
                ("discard 128k+64k", False, True),
                ("flush", False, False),
            ]
            assert list(server.violations) == []

    run(main)


def test_qemu_io_waits_for_a_held_write_and_sees_its_error(tmp_path: Path) -> None:
    qemu_io = tool("qemu-io")

    async def main() -> None:
        disk = HeldStorage("disk", SIZE)
        disk.hold(Operation.WRITE)
        arrived = asyncio.Event()
        disk.on_submit.append(lambda request: arrived.set() if request.state is RequestState.HELD else None)
        async with AsyncExitStack() as stack:
            _, url = await serve(tmp_path, stack, disk=disk)
            process = await asyncio.create_subprocess_exec(
                qemu_io, "-f", "raw", "-c", "write -P 1 0 64k", url("disk"), stdout=PIPE, stderr=STDOUT
            )
            await arrived.wait()
            assert disk.read_bytes(0, 1) == b"\0"
            disk.held[0].release(errno.ENOSPC)
            text, _ = await process.communicate()
            assert text == b"write failed: No space left on device\n"

    run(main)


def test_client_uses_an_export_of_qemu(tmp_path: Path) -> None:
    daemon = tool("qemu-storage-daemon")
    image, socket = tmp_path / "image", tmp_path / "s"
    image.touch()
    os.truncate(image, SIZE)

    async def main() -> None:
        process = await asyncio.create_subprocess_exec(
            daemon,
            *("--blockdev", f"driver=file,filename={image},node-name=disk,discard=unmap"),
            *("--nbd-server", f"addr.type=unix,addr.path={socket}"),
            *("--export", "type=nbd,id=e,node-name=disk,name=disk,writable=on"),
            *("--chardev", "stdio,id=m", "--monitor", "chardev=m"),
            stdin=PIPE,
            stdout=PIPE,
        )
        try:
            # The greeting of the monitor comes when everything named before it exists.
            assert process.stdin is not None
            assert process.stdout is not None
            assert b"QMP" in await process.stdout.readline()
            client = await NbdClient.connect(socket, "disk", meta_contexts=("base:allocation", "qemu:allocation-depth"))
            assert client.size == SIZE
            assert "base:allocation" in client.contexts
            pattern = bytes(range(1, 256)) * 257 + b"x"
            requests = [client.submit(Operation.WRITE, n * K64, K64, pattern) for n in range(1, 9)]
            await asyncio.gather(*(request.future for request in requests))
            assert await client.read(0, 2 * K64) == bytes(K64) + pattern
            status = await client.block_status(0, SIZE)
            zero = [(extent.offset, extent.length) for extent in status if extent.flags & 2]
            assert zero == [(0, K64), (9 * K64, SIZE - 9 * K64)]
            if "qemu:allocation-depth" in client.contexts:
                assert await client.block_status(0, SIZE, "qemu:allocation-depth") == [StatusExtent(0, SIZE, 1)]
            await client.zero(K64, K64, fua=True)
            await client.discard(2 * K64, K64)
            await client.flush()
            assert await client.read(K64, 2 * K64) == bytes(2 * K64)
            beyond = await client.submit(Operation.WRITE, SIZE, 512, bytes(512)).future
            # ENOSPC is what the protocol asks for; QEMU says EINVAL.
            assert beyond.errno in (errno.EINVAL, errno.ENOSPC)
            plain = await NbdClient.connect(socket, "disk", structured=False)
            assert plain.contexts == ()
            assert await plain.read(3 * K64, K64) == pattern
            await plain.disconnect()
            await client.disconnect()
        finally:
            process.kill()
            await process.wait()

    run(main)


async def execute(process: asyncio.subprocess.Process, command: str, **arguments: object) -> list[dict[str, Any]]:
    """Run a QMP command; the events that came before its reply."""
    assert process.stdin is not None
    message = {"execute": command, "arguments": {name.replace("_", "-"): value for name, value in arguments.items()}}
    process.stdin.write(json.dumps(message).encode() + b"\n")
    events = []
    while "return" not in (received := await next_message(process)):
        assert "error" not in received, received
        events.append(received)
    return events


async def next_message(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    received: dict[str, Any] = json.loads(await process.stdout.readline())
    return received


def test_qemu_mirrors_between_held_disks_under_a_guest(tmp_path: Path) -> None:
    """The whole bench in one: both disks are ours, and so is the guest; QEMU is in between."""
    daemon = tool("qemu-storage-daemon")

    async def main() -> None:
        source, target = HeldStorage("source", SIZE), HeldStorage("target", SIZE)
        source.fill(0x11)
        async with AsyncExitStack() as stack:
            server, _ = await serve(tmp_path, stack, source=source, target=target)
            process = await asyncio.create_subprocess_exec(
                daemon, "--chardev", "stdio,id=m", "--monitor", "chardev=m", stdin=PIPE, stdout=PIPE
            )
            try:
                assert "QMP" in await next_message(process)
                await execute(process, "qmp_capabilities")
                for name in ("source", "target"):
                    address = {"type": "unix", "path": server.path}
                    await execute(process, "blockdev-add", driver="nbd", node_name=name, server=address, export=name)
                guest_address = {"type": "unix", "data": {"path": str(tmp_path / "g")}}
                await execute(process, "nbd-server-start", addr=guest_address)
                await execute(
                    process, "block-export-add", type="nbd", id="e", node_name="source", name="guest", writable=True
                )
                guest = await NbdClient.connect(tmp_path / "g", "guest")
                events = await execute(
                    process,
                    "blockdev-mirror",
                    job_id="j",
                    device="source",
                    target="target",
                    sync="full",
                    copy_mode="write-blocking",
                )
                while not any(event["event"] == "BLOCK_JOB_READY" for event in events):
                    events.append(await next_message(process))
                assert target.first_difference(source) is None
                # An active write is answered only after the target has it.
                held = asyncio.Event()
                target.on_submit.append(lambda request: held.set())
                rule = target.hold(Operation.WRITE)
                write = guest.submit(Operation.WRITE, K64, K64, b"\x22" * K64)
                await held.wait()
                assert not write.is_done
                await execute(process, "query-jobs")
                assert not write.is_done
                rule.remove()
                target.release_all()
                await write.future
                assert (write.errno, target.first_difference(source)) == (0, None)
                assert source.read_bytes(K64, 1) == b"\x22"
                assert list(server.violations) == []
                await guest.disconnect()
            finally:
                process.kill()
                await process.wait()

    run(main)
