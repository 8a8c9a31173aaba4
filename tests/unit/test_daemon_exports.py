"""Exports on a real program come and go without a trace, and what is refused is the program's affair."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import CaseError, ImplementationError, ProtocolViolation
from harness.implementations.base import PendingRequest
from harness.implementations.daemon_exports import DaemonExports, _Bitmap
from harness.implementations.storage_daemon import DaemonSession
from harness.nbd.client_request import StatusExtent
from harness.storage import HeldStorage, Operation

needs_qemu = pytest.mark.skipif(shutil.which("qemu-storage-daemon") is None, reason="no qemu-storage-daemon here")

MIB = 1 << 20


class FakeClient:
    """A client whose server grants and says what a test wants."""

    def __init__(self, extents: list[StatusExtent], contexts: tuple[str, ...] = ("qemu:dirty-bitmap:b",)) -> None:
        self.size = MIB
        self.contexts = contexts
        self._extents = extents

    def block_status(self, offset: int, length: int, context: str) -> list[StatusExtent]:
        return self._extents


class FakeHost:
    """Does at once what it is given."""

    def run(self, value: Any) -> Any:
        return value


def ranges(*extents: tuple[int, int, int]) -> list[tuple[int, int]]:
    client: Any = FakeClient([StatusExtent(*extent) for extent in extents])
    host: Any = FakeHost()
    return _Bitmap(host, client, "qemu:dirty-bitmap:b", lambda: None).ranges()


def test_ranges_are_the_extents_with_the_flag_set() -> None:
    assert ranges() == []
    assert ranges((0, MIB, 0)) == []
    assert ranges((0, 512, 1), (512, 512, 0), (1024, 4096, 1)) == [(0, 512), (1024, 4096)]


def test_extent_with_a_flag_that_nobody_defined_is_a_violation() -> None:
    with pytest.raises(ProtocolViolation, match=r"^qemu:dirty-bitmap:b has flags 3 at 512$"):
        ranges((0, 512, 1), (512, 512, 3))


def test_event_about_an_export_of_a_case_is_left_to_the_case() -> None:
    host: Any = FakeHost()
    exports = DaemonExports(host, Path("nowhere"), lambda: None)
    assert not exports.takes("BLOCK_EXPORT_DELETED", {"id": "mine"})
    assert not exports.takes("BLOCK_JOB_READY", {"id": "mine"})
    exports._removed.add("bitmap-1")
    assert not exports.takes("BLOCK_JOB_READY", {"id": "bitmap-1"})
    assert exports.takes("BLOCK_EXPORT_DELETED", {"id": "bitmap-1"})
    assert not exports.takes("BLOCK_EXPORT_DELETED", {"id": "bitmap-1"})


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DaemonSession]:
    session = DaemonSession("qemu-storage-daemon", tmp_path, 30.0)
    session.attach("disk", HeldStorage("disk", MIB))
    session.run_command("block-dirty-bitmap-add", {"node": "disk", "name": "b"})
    yield session
    session.close()


@needs_qemu
def test_real_bitmap_is_shown_and_leaves_no_event(session: DaemonSession) -> None:
    guest = session.open_guest("disk")
    request = PendingRequest(Operation.WRITE, 70000, 1, b"x")
    guest.submit(request)
    session.wait(lambda: request.done, "the write")
    port = session.open_bitmap("disk", "b")
    assert port.ranges() == [(65536, 65536)]
    port.close()
    port.close()
    session.close_guest("disk")
    session.settle()
    assert session.events == []
    assert session.run_command("query-block-exports", {}) == []


@needs_qemu
def test_real_export_of_what_is_not_there_is_refused_and_another_can_follow(session: DaemonSession) -> None:
    message = r"^block-export-add was refused: Bitmap 'c' is not found$"
    with pytest.raises(ImplementationError, match=message):
        session.open_bitmap("disk", "c")
    with pytest.raises(ImplementationError, match=r"^block-export-add was refused: Cannot find .*nowhere.*$"):
        session.open_bitmap("nowhere", "b")
    session.open_bitmap("disk", "b").close()


@needs_qemu
def test_real_bitmap_of_a_read_only_disk_is_shown(session: DaemonSession) -> None:
    session.attach("fixed", HeldStorage("fixed", MIB), read_only=True)
    session.run_command("block-dirty-bitmap-add", {"node": "fixed", "name": "b"})
    assert session.open_bitmap("fixed", "b").ranges() == []


@needs_qemu
def test_real_session_closed_with_open_exports_leaves_nothing(session: DaemonSession, tmp_path: Path) -> None:
    session.open_guest("disk")
    session.open_bitmap("disk", "b")
    session.close()
    assert list(tmp_path.iterdir()) == []


@needs_qemu
def test_guest_that_is_not_there_cannot_leave(session: DaemonSession) -> None:
    with pytest.raises(CaseError, match=r"^there is no guest on 'disk'$"):
        session.close_guest("disk")
