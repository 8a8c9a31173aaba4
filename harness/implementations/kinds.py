"""The table of kinds. A new kind of implementation is a row here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import NamedTuple

from harness.implementations.base import Implementation


class Kind(NamedTuple):
    """A kind of implementation.

    :ivar usage: how a spec of this kind is written. :ivar summary: what it is, one line.
    :ivar make: makes one of a spec and its detail. :ivar candidates: specs worth probing on this machine.
    :ivar installation: how to get it, one line; empty when it needs nothing.
    """

    name: str
    usage: str
    summary: str
    make: Callable[[str, str], Implementation]
    candidates: Callable[[], list[str]]
    installation: str


def _make_reference(spec: str, detail: str) -> Implementation:
    # Imported when asked for: a run on a real program has no use for the model.
    from harness.implementations.reference import Reference

    return Reference(spec, detail)


def _make_storage_daemon(spec: str, detail: str) -> Implementation:
    from harness.implementations.storage_daemon import StorageDaemon

    return StorageDaemon(spec, detail or "qemu-storage-daemon")


def _make_system(spec: str, detail: str) -> Implementation:
    from harness.implementations.qemu_system import QemuSystem

    return QemuSystem(spec, detail or "qemu-system-x86_64")


def _make_socket(spec: str, detail: str) -> Implementation:
    from harness.implementations.socket_program import SocketProgram

    return SocketProgram(spec, detail)


def _make_hbitmap_console(spec: str, detail: str) -> Implementation:
    from harness.implementations.hbitmap_console import HBitmapConsole

    return HBitmapConsole(spec, detail)


def _storage_daemons() -> list[str]:
    return ["qemu-storage-daemon"] if shutil.which("qemu-storage-daemon") else []


def _systems() -> list[str]:
    return ["qemu-system-x86_64"] if shutil.which("qemu-system-x86_64") else []


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "reference",
            "reference[:MUTANT]",
            "the reference implementation, in process; with a known bug put back, if one is named",
            _make_reference,
            lambda: ["reference"],
            "",
        ),
        Kind(
            "qemu-storage-daemon",
            "qemu-storage-daemon[:PATH]",
            "a real qemu-storage-daemon",
            _make_storage_daemon,
            _storage_daemons,
            "apt-get install qemu-system-common",
        ),
        Kind(
            "qemu-system-x86_64",
            "qemu-system-x86_64[:PATH]",
            "a real qemu-system-x86_64 without a machine, for what needs its human monitor or a drive",
            _make_system,
            _systems,
            "apt-get install qemu-system-x86",
        ),
        Kind(
            "socket",
            "socket:qmp=PATH[,nbd=PATH][,program=NAME]",
            "a program that runs already and speaks QMP and NBD at these sockets",
            _make_socket,
            list,
            "start one with its monitor on a unix socket, see docs/implementations.md",
        ),
        Kind(
            "hbitmap-console",
            "hbitmap-console:COMMAND",
            "a bitmap by itself behind a console, such as 'mirrorcheck hbitmap-console'",
            _make_hbitmap_console,
            list,
            "write a console for your bitmap, see docs/hbitmap-console.md",
        ),
    )
}
