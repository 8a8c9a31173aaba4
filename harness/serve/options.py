"""The command line of `serve`: qemu-storage-daemon's option strings, as key=value with dots or as JSON."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError


@dataclass
class StartOptions:
    """What to open at the start.

    :ivar sockets: chardevs by id, of those that a monitor uses. :ivar commands: QMP commands to run first, in order.
    """

    sockets: list[dict[str, Any]]
    commands: list[tuple[str, dict[str, Any]]]

    @classmethod
    def parse(cls, arguments: argparse.Namespace) -> StartOptions:
        """Read the options.

        :raise UsageError: for the first that is malformed.
        """
        chardevs = {}
        for text in arguments.chardev:
            options = parse_options(text, "backend")
            if options.get("backend") != "socket" or "id" not in options or not {"path", "fd"} & options.keys():
                raise UsageError(f"--chardev '{text}' is not of the form socket,id=ID,path=PATH or socket,id=ID,fd=N")
            chardevs[options["id"]] = options
        sockets = []
        for text in arguments.monitor:
            name = parse_options(text, "chardev").get("chardev")
            if name not in chardevs:
                raise UsageError(f"--monitor '{text}': there is no chardev '{name}'")
            sockets.append(chardevs[name])
        commands: list[tuple[str, dict[str, Any]]] = []
        commands += [("object-add", parse_options(text, "qom-type")) for text in arguments.object]
        commands += [("blockdev-add", parse_options(text, "driver")) for text in arguments.blockdev]
        for text in arguments.nbd_server:
            address = parse_options(text, "addr.type").get("addr", {})
            if address.get("type") != "unix" or "path" not in address:
                raise UsageError(f"--nbd-server '{text}' is not of the form addr.type=unix,addr.path=PATH")
            commands.append(("nbd-server-start", {"addr": {"type": "unix", "data": {"path": address["path"]}}}))
        commands += [("block-export-add", parse_options(text, "type")) for text in arguments.export]
        return cls(sockets, commands)


def parse_options(text: str, first_key: str) -> dict[str, Any]:
    """Read ``value,key=value,a.b=value`` or a JSON object.

    :param first_key: what the first word is a value of when it has no ``=``.
    :raise UsageError: when it is neither.
    """
    if text.startswith("{"):
        try:
            value = json.loads(text)
        except ValueError as error:
            raise UsageError(f"option '{text}' is no JSON: {error}") from error
        assert isinstance(value, dict)
        return value
    result: dict[str, Any] = {}
    # Two commas are one that belongs to a value.
    for index, part in enumerate(text.replace(",,", "\0").split(",")):
        key, equals, word = part.replace("\0", ",").partition("=")
        if not equals:
            if index:
                raise UsageError(f"option '{text}': '{key}' has no value")
            key, word = first_key, key
        place = result
        *path, last = key.split(".")
        for name in path:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise UsageError(f"option '{text}': '{key}' is below a value")
        place[last] = _value(last, word)
    return result


_BOOLEANS = {"on": True, "off": False, "true": True, "false": False, "yes": True, "no": False}
_INTEGERS = frozenset({"size", "offset", "fd", "reconnect-delay"})


def _value(key: str, word: str) -> Any:
    if word in _BOOLEANS and key not in ("id", "node-name", "name", "path", "filename"):
        return _BOOLEANS[word]
    if key in _INTEGERS or key.startswith(("iops", "bps")):
        units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
        number, unit = (word[:-1], units[word[-1].lower()]) if word[-1:].lower() in units else (word, 1)
        if not number.isdecimal():
            raise UsageError(f"'{word}' is no number, which {key} takes")
        return int(number) * unit
    return word
