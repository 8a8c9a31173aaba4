"""QMP as the served reference speaks it: cutting the stream, negotiation, ids, and what a fuzzer sends."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from harness.serve.json_stream import DEPTH_MAX, VALUE_BYTES_MAX, BadJson, JsonStream
from harness.serve.options import parse_options
from harness.serve.qmp_server import QmpProtocol, QmpServer
from reference_impl.machine import Machine
from reference_impl.monitor import Command

NEGOTIATE = b'{"execute":"qmp_capabilities"}'


class FakeTransport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def take(self) -> list[dict[str, Any]]:
        """The messages since the last time."""
        messages = [json.loads(line) for line in bytes(self.written).splitlines()]
        self.written.clear()
        return messages


class Client:
    """A connection to a machine of its own."""

    def __init__(self) -> None:
        self.machine = Machine()

        def execute(name: str, arguments: dict[str, Any], on_reply: Callable[[dict[str, Any]], None]) -> None:
            def answered(command: Command) -> None:
                assert command.reply is not None
                on_reply(command.reply)

            self.machine.execute(name, arguments, answered)

        self.transport = FakeTransport()
        self.protocol = QmpProtocol(QmpServer(execute))
        self.protocol.connection_made(self.transport)
        self.greeting = self.transport.take()

    def send(self, data: bytes) -> list[dict[str, Any]]:
        self.protocol.data_received(data)
        return self.transport.take()


def describe(messages: list[dict[str, Any]]) -> list[str]:
    return [message["error"]["desc"] if "error" in message else "ok" for message in messages]


def test_json_stream_values_without_newlines_are_cut_apart() -> None:
    stream = JsonStream()
    assert stream.feed(b'{"a":"}{\\"["}{"b":[1,{}]} \n\t[2]') == [{"a": '}{"['}, {"b": [1, {}]}, [2]]


def test_json_stream_value_in_single_bytes_is_found_once() -> None:
    stream = JsonStream()
    found = [value for byte in b'{"a": {"b": 1}}' for value in stream.feed(bytes([byte]))]
    assert found == [{"a": {"b": 1}}]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x", "JSON parse error, expecting value"),
        (b"}", "JSON parse error, expecting value"),
        (b"{'a': 1}", "JSON parse error, invalid syntax"),
        (b'{"a": NaN}', "JSON parse error, invalid syntax"),
        (b'{"a": "\xff"}', "JSON parse error, invalid syntax"),
        (b"[" * (DEPTH_MAX + 1), "a value is nested too deeply"),
        (b'{"a": "' + b"x" * VALUE_BYTES_MAX, "a value is too long"),
    ],
)
def test_json_stream_what_is_no_value_is_named_and_the_next_line_is_read(data: bytes, reason: str) -> None:
    stream = JsonStream()
    bad, *rest = stream.feed(data)
    assert isinstance(bad, BadJson)
    assert bad.reason == reason
    assert rest == []
    assert stream.feed(b'\n{"next": 1}') == [{"next": 1}]


def test_qmp_greeting_names_version_and_capabilities() -> None:
    (greeting,) = Client().greeting
    assert greeting["QMP"]["capabilities"] == []
    assert greeting["QMP"]["version"]["qemu"].keys() == {"major", "minor", "micro"}


def test_qmp_command_before_negotiation_is_refused() -> None:
    (reply,) = Client().send(b'{"execute":"query-jobs","id":7}')
    assert reply == {
        "error": {
            "class": "CommandNotFound",
            "desc": "Expecting capabilities negotiation with 'qmp_capabilities'",
        },
        "id": 7,
    }


def test_qmp_second_negotiation_is_refused() -> None:
    client = Client()
    assert describe(client.send(NEGOTIATE + NEGOTIATE)) == [
        "ok",
        "Capabilities negotiation is already complete, command ignored",
    ]


def test_qmp_id_of_any_type_comes_back() -> None:
    client = Client()
    client.send(NEGOTIATE)
    for identity in (1, "x", [2], {"a": None}, None, 1.5, False):
        message = json.dumps({"execute": "query-jobs", "id": identity}).encode()
        assert client.send(message) == [{"return": [], "id": identity}]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({}, "QMP input lacks member 'execute'"),
        ([], "QMP input must be a JSON object"),
        ({"execute": 1}, "QMP input member 'execute' must be a string"),
        ({"execute": "query-jobs", "arguments": 1}, "QMP input member 'arguments' must be an object"),
        ({"execute": "query-jobs", "extra": 1}, "QMP input member 'extra' is unexpected"),
        ({"exec-oob": "query-jobs"}, "QMP input member 'exec-oob' is unexpected"),
        ({"execute": "nope"}, "The command nope has not been found"),
    ],
)
def test_qmp_malformed_message_is_refused(message: Any, text: str) -> None:
    client = Client()
    client.send(NEGOTIATE)
    assert describe(client.send(json.dumps(message).encode())) == [text]


def random_value(source: random.Random, depth: int = 0) -> Any:
    kind = source.randrange(8 if depth < 4 else 6)
    if kind == 0:
        return source.choice([0, -1, 2**31, 2**63, 2**64, -(2**63), 10**30])
    if kind == 1:
        return source.choice(["", "x", "source", "full", "write-blocking", "\x00", "\ud800", "é" * 100])
    if kind < 6:
        return [None, True, False, 1.5][kind - 2]
    if kind == 6:
        return [random_value(source, depth + 1) for _ in range(source.randrange(3))]
    names = ["device", "target", "sync", "job-id", "speed", "id", "driver", "node-name", "filename", "x"]
    return {source.choice(names): random_value(source, depth + 1) for _ in range(source.randrange(4))}


@pytest.mark.slow
def test_qmp_fuzzed_messages_get_an_answer_each_and_the_next_client_is_served() -> None:
    source = random.Random(41)
    client = Client()
    client.send(NEGOTIATE)
    commands = [*client.machine.commands, "nope", ""]
    for _ in range(20_000):
        message: Any = {"execute": source.choice(commands)}
        if message["execute"] == "qmp_capabilities":
            continue
        if source.random() < 0.8:
            message["arguments"] = random_value(source)
        if source.random() < 0.2:
            message = random_value(source)
        data = bytearray(json.dumps(message).encode())
        damage = source.random()
        if damage < 0.2:
            data[source.randrange(len(data))] = source.randrange(256)
        elif damage < 0.25:
            data = data[: source.randrange(len(data))]
        # The newline ends whatever was left open by the damage; a string that is open still swallows it.
        replies = client.send(bytes(data) + b"\n")
        client.machine.scheduler.settle()
        assert all(
            "return" in reply or "error" in reply or "event" in reply for reply in replies + client.transport.take()
        )
        if client.protocol._stream._buffer:
            client.protocol._stream = JsonStream()
    assert describe(client.send(b'{"execute":"query-jobs"}')) == ["ok"]
    assert describe(Client().send(NEGOTIATE)) == ["ok"]


def test_parse_options_dots_and_double_commas_and_units() -> None:
    assert parse_options("null-co,node-name=n,size=4k,read-only=on", "driver") == {
        "driver": "null-co",
        "node-name": "n",
        "size": 4096,
        "read-only": True,
    }
    assert parse_options("addr.type=unix,addr.path=a,,b", "addr.type") == {"addr": {"type": "unix", "path": "a,b"}}
    assert parse_options('{"driver": "raw"}', "driver") == {"driver": "raw"}
