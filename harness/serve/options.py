"""The command line of `serve`: qemu-storage-daemon's options, carried out in the order in which they are given.

So a node is there for an export only if it was described before it, as on a real program.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.serve.keyval import boolean, parse, parse_typed
from reference_impl.qmp_errors import QmpError


@dataclass(frozen=True)
class Step:
    """One option as it was given."""

    option: str
    text: str


@dataclass(frozen=True)
class Chardev:
    """Where a monitor is.

    :ivar kind: ``socket`` or ``stdio``. :ivar path: of a socket, to listen on or to connect to.
    :ivar fd: of a connection, or of a listening socket, that was inherited.
    :ivar waits: whether to go on only when the first client has come.
    """

    id: str
    kind: str
    path: str | None = None
    fd: int | None = None
    listens: bool = False
    waits: bool = False

    @classmethod
    def parse(cls, text: str) -> Chardev:
        """Read the value of ``--chardev``.

        :raise QmpError: for the first thing that is wrong.
        """
        given, _ = parse(text, "backend")
        kind = given.pop("backend", None)
        name = given.pop("id", None)
        if not isinstance(name, str):
            raise QmpError("chardev: no id specified")
        if kind == "stdio":
            given.pop("signal", None)
            _refuse_rest(given)
            return cls(name, kind)
        if kind != "socket":
            raise QmpError(f"'{kind}' is not a valid char driver name; known are socket and stdio")
        flags = {key: boolean(given.pop(key), key) for key in ("server", "wait") if key in given}
        path, number = given.pop("path", None), given.pop("fd", None)
        _refuse_rest(given)
        if (path is None) == (number is None):
            raise QmpError("chardev: a socket has either a path or an fd")
        if number is not None and not number.isdecimal():
            raise QmpError(f"Unable to parse FD number {number}")
        listens = flags.get("server", False)
        if "wait" in flags and not listens:
            raise QmpError("'wait' option is incompatible with socket in client connect mode")
        descriptor = None if number is None else int(number)
        return cls(name, kind, path, descriptor, listens, listens and flags.get("wait", True))


def monitor(text: str) -> str:
    """The id of the chardev that the value of ``--monitor`` names.

    :raise QmpError: for the first thing that is wrong.
    """
    given, _ = parse(text, "chardev")
    name = given.pop("chardev", None)
    if not isinstance(name, str):
        raise QmpError("Parameter 'chardev' is missing")
    if given.pop("mode", "control") != "control":
        raise QmpError("Only QMP is supported")
    given.pop("id", None)
    _refuse_rest(given)
    return name


def command(option: str, text: str) -> tuple[str, dict[str, Any]]:
    """The QMP command that does what one of the other options asks for.

    :raise QmpError: for the first thing that is wrong.
    """
    match option:
        case "object":
            return "object-add", parse_typed(text, "ObjectOptions", "qom-type")
        case "blockdev":
            return "blockdev-add", parse_typed(text, "BlockdevOptions", "driver")
        case "export":
            return "block-export-add", parse_typed(text, "BlockExportOptions", "type")
        case "nbd-server":
            address = parse_typed(text, "NbdServerOptions")["addr"]
            return "nbd-server-start", {"addr": {"type": address["type"], "data": {"path": address["path"]}}}
    raise ValueError(f"no option of the storage daemon: --{option}")


def _refuse_rest(given: dict[str, Any]) -> None:
    for key in given:
        raise QmpError(f"Invalid parameter '{key}'")
