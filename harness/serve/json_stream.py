"""Cuts a stream of bytes into JSON values, without relying on newlines.

What QMP clients send is one JSON object after the other, with or without anything between them. Where the stream stops
being JSON, everything up to the next newline is given up, and said to be wrong; a client that does not know where it is
can always send one.
"""

from __future__ import annotations

import json
from typing import Any

VALUE_BYTES_MAX = 1 << 20
DEPTH_MAX = 1024

_OPENING = b"{["
_CLOSING = b"}]"
_SPACE = b" \t\r\n"


class BadJson:
    """Something that was no JSON."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class JsonStream:
    """One direction of a connection.

    Memory is bounded: a value longer than 1 MiB or deeper than 1024 is refused while it comes.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._position = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._skipping = False

    def feed(self, data: bytes) -> list[Any]:
        """Take bytes and return the values that are complete by them, and a `BadJson` for each piece that is none."""
        self._buffer += data
        found: list[Any] = []
        while self._position < len(self._buffer):
            byte = self._buffer[self._position]
            self._position += 1
            if self._skipping:
                if byte == 0x0A:
                    self._skipping = False
                self._drop()
            else:
                self._step(byte, found)
        return found

    def _step(self, byte: int, found: list[Any]) -> None:
        if self._position > VALUE_BYTES_MAX:
            self._give_up(found, "a value is too long")
        elif self._in_string:
            if self._escaped:
                self._escaped = False
            elif byte == 0x5C:
                self._escaped = True
            elif byte == 0x22:
                self._in_string = False
        elif byte in _OPENING:
            self._depth += 1
            if self._depth > DEPTH_MAX:
                self._give_up(found, "a value is nested too deeply")
        elif not self._depth:
            if byte in _SPACE:
                self._drop()
            else:
                self._give_up(found, "JSON parse error, expecting value", ended=byte == 0x0A)
        elif byte == 0x22:
            self._in_string = True
        elif byte in _CLOSING:
            self._depth -= 1
            if not self._depth:
                self._complete(found)

    def _complete(self, found: list[Any]) -> None:
        text = bytes(self._buffer[: self._position])
        self._drop()
        try:
            found.append(
                json.loads(text.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_refuse_duplicates)
            )
        except _DuplicateKey:
            found.append(BadJson("JSON parse error, duplicate key"))
        except (ValueError, RecursionError):
            found.append(BadJson("JSON parse error, invalid syntax"))

    def _give_up(self, found: list[Any], reason: str, *, ended: bool = False) -> None:
        found.append(BadJson(reason))
        self._skipping = not ended
        self._depth = 0
        self._in_string = self._escaped = False
        self._drop()

    def _drop(self) -> None:
        del self._buffer[: self._position]
        self._position = 0


class _DuplicateKey(Exception):
    """An object has two members of one name."""


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateKey
    return members


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
