"""QMP as the served reference speaks it: cutting the stream, negotiation, ids, and what a fuzzer sends."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from qemu.qmp.protocol import AsyncProtocol

from harness.serve.json_stream import DEPTH_MAX, VALUE_BYTES_MAX, BadJson, JsonStream
from harness.serve.qmp_server import QmpProtocol
from reference_impl.machine import Machine
from reference_impl.monitor import Command

NEGOTIATE = b'{"execute":"qmp_capabilities"}'


class Client:
    """A connection to a machine of its own, over a socket pair; it turns the loop until the answers are there."""

    def __init__(self) -> None:
        self.machine = Machine()
        self._loop = asyncio.new_event_loop()
        ours, theirs = socket.socketpair()
        self._socket = ours
        ours.setblocking(False)
        theirs.setblocking(False)
        self.protocol = QmpProtocol(self.execute)
        self._serving = self._loop.create_task(self.protocol.serve(theirs))
        self._unread = b""
        self.greeting = self.read(1)

    def execute(self, name: str, arguments: dict[str, Any], on_reply: Callable[[dict[str, Any]], None]) -> None:
        def answered(command: Command) -> None:
            assert command.reply is not None
            on_reply(command.reply)

        self.machine.execute(name, arguments, answered)

    def read(self, count: int) -> list[dict[str, Any]]:
        """The next messages."""
        while self._unread.count(b"\n") < count:
            reading = self._loop.sock_recv(self._socket, 1 << 16)
            data = self._loop.run_until_complete(asyncio.wait_for(reading, 10))
            assert data, "the server hung up"
            self._unread += data
        *lines, self._unread = self._unread.split(b"\n", count)
        return [json.loads(line) for line in lines]

    def send(self, data: bytes, count: int = 1) -> list[dict[str, Any]]:
        """Send bytes, and return the next messages."""
        self._socket.sendall(data)
        return self.read(count)

    def close(self) -> None:
        """Hang up, and see the server's side end."""
        self._socket.close()
        self._loop.run_until_complete(asyncio.wait_for(self._serving, 10))
        self._loop.close()


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.close()


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


def test_qmp_greeting_names_version_and_capabilities(client: Client) -> None:
    (greeting,) = client.greeting
    assert greeting["QMP"]["capabilities"] == []
    assert greeting["QMP"]["version"]["qemu"].keys() == {"major", "minor", "micro"}


def test_qmp_server_is_an_async_protocol_of_the_library() -> None:
    assert issubclass(QmpProtocol, AsyncProtocol)


def test_qmp_command_before_negotiation_is_refused(client: Client) -> None:
    (reply,) = client.send(b'{"execute":"query-jobs","id":7}')
    assert reply == {
        "error": {
            "class": "CommandNotFound",
            "desc": "Expecting capabilities negotiation with 'qmp_capabilities'",
        },
        "id": 7,
    }


def test_qmp_second_negotiation_is_refused(client: Client) -> None:
    assert describe(client.send(NEGOTIATE + NEGOTIATE, 2)) == [
        "ok",
        "Capabilities negotiation is already complete, command ignored",
    ]


def test_qmp_out_of_band_execution_cannot_be_negotiated(client: Client) -> None:
    message = {"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}
    assert describe(client.send(json.dumps(message).encode())) == ["Capability oob not available"]
    assert describe(client.send(NEGOTIATE)) == ["ok"]


def test_qmp_id_of_any_type_comes_back(client: Client) -> None:
    client.send(NEGOTIATE)
    for identity in (1, "x", [2], {"a": None}, None, 1.5, False):
        message = json.dumps({"execute": "query-jobs", "id": identity}).encode()
        assert client.send(message) == [{"return": [], "id": identity}]


def test_qmp_commands_in_one_piece_are_answered_in_their_order(client: Client) -> None:
    client.send(NEGOTIATE)
    commands = b"".join(json.dumps({"execute": "query-jobs", "id": number}).encode() for number in range(100))
    assert [reply["id"] for reply in client.send(commands, 100)] == list(range(100))


def test_qmp_event_before_negotiation_is_not_sent(client: Client) -> None:
    client.protocol.send_event({"event": "EARLY"})
    client.send(NEGOTIATE)
    client.protocol.send_event({"event": "LATE"})
    assert client.read(1) == [{"event": "LATE"}]


def test_qmp_command_that_waits_keeps_the_next_one_unread(client: Client) -> None:
    replies: list[Callable[[dict[str, Any]], None]] = []
    client.send(NEGOTIATE)
    client.protocol._execute = lambda name, arguments, on_reply: replies.append(on_reply)
    client._socket.sendall(b'{"execute":"a"}{"execute":"b","id":2}')
    while not replies:
        client._loop.run_until_complete(asyncio.sleep(0))
    for _ in range(10):
        client._loop.run_until_complete(asyncio.sleep(0))
    assert len(replies) == 1
    replies[0]({"return": {}})
    while len(replies) < 2:
        client._loop.run_until_complete(asyncio.sleep(0))
    replies[1]({"return": {}})
    assert client.read(2) == [{"return": {}}, {"return": {}, "id": 2}]


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
def test_qmp_malformed_message_is_refused(client: Client, message: Any, text: str) -> None:
    client.send(NEGOTIATE)
    assert describe(client.send(json.dumps(message).encode())) == [text]


def test_qmp_member_that_comes_twice_is_refused(client: Client) -> None:
    client.send(NEGOTIATE)
    message = b'{"execute":"query-jobs","execute":"query-version"}'
    assert describe(client.send(message)) == ["JSON parse error, duplicate key"]


def test_qmp_client_that_hangs_up_at_once_harms_nobody() -> None:
    async def serve() -> None:
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        ours.close()
        await QmpProtocol(lambda name, arguments, on_reply: None).serve(theirs)

    asyncio.run(asyncio.wait_for(serve(), 10))
