"""Garbage against the served reference over its real sockets: QMP and NBD, malformed, truncated, oversized, deeply
nested, out of state, and right messages that nobody would send in that order.

Every session is made of a number, so that a finding is repeated by the number alone:

    python -m tests.quality.fuzz_served --first 1234 --sessions 1

Each session ends with an answer or a closed connection within a limit that only a hang reaches; afterwards the program
still runs, serves the next client, and has not grown.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from reference_impl.schema import COMMANDS, ENUMS, INTEGER_TYPES, STRUCTS, UNIONS, Members, element_type
from tests.unit.served import Monitor, Program, running
from tests.unit.test_nbd_fuzz import SIZE, client_messages

LIMIT_S = 60.0
NEGOTIATE = b'{"execute":"qmp_capabilities"}'

NAMES = ("disk", "a", "b", "c", "job0", "nope", "")
NUMBERS = (0, 1, -1, 512, 4096, 65536, 1 << 20, 1 << 40, (1 << 63) - 1, 1 << 63, 1 << 64, 10**30)
OTHERS = (None, True, 1.5, "", "x", "\x00", "\ud800", [], {}, [[]], {"x": 1})
UNSUPPORTED = frozenset({"quit"})
"""What rightly ends the program."""


class Finding(Exception):
    """The program did what it must not do; the text says in which session."""


@dataclass
class Counts:
    """How much was sent, and what came back."""

    sessions: int = 0
    messages: int = 0
    replies: int = 0
    closed: int = 0


# What is sent over QMP


def value(random: Random, type_name: str, depth: int = 0) -> Any:
    """A value of a type of the schema, or one that only looks like it."""
    if random.random() < 0.05:
        return random.choice(OTHERS)
    if type_name in INTEGER_TYPES:
        return random.choice(NUMBERS[:7] if random.random() < 0.8 else NUMBERS)
    if type_name == "bool":
        return random.random() < 0.5
    if type_name in ENUMS:
        return random.choice(ENUMS[type_name])
    element = element_type(type_name)
    if element is not None:
        return [value(random, element, depth + 1) for _ in range(random.randrange(3))]
    if "|" in type_name and (depth > 4 or random.random() < 0.7):
        return random.choice(NAMES)
    type_name = type_name.split("|")[1] if "|" in type_name else type_name
    if type_name in STRUCTS or type_name in UNIONS:
        return members(random, type_name, depth + 1)
    return random.choice(NAMES)


def members(random: Random, wanted: Members | str, depth: int = 0) -> dict[str, Any]:
    """Arguments as the schema wants them, more or less."""
    given: dict[str, Any] = {}
    if isinstance(wanted, str):
        if wanted in UNIONS:
            base, tag, branches = UNIONS[wanted]
            given[tag] = random.choice(sorted(branches))
            wanted = base | STRUCTS.get(branches[given[tag]], {})
        else:
            wanted = STRUCTS[wanted]
    for field, type_name in wanted.items():
        name = field.removesuffix("?")
        if name not in given and random.random() < (0.3 if field.endswith("?") else 0.97):
            given[name] = value(random, type_name, depth)
    if random.random() < 0.05:
        given[random.choice(("x", "device", "id"))] = random.choice(OTHERS)
    return given


def command(random: Random) -> dict[str, Any]:
    """A command that means something, more or less."""
    name = random.choice([name for name in COMMANDS if name not in UNSUPPORTED])
    message: dict[str, Any] = {"execute": name, "arguments": members(random, COMMANDS[name][0])}
    if random.random() < 0.1:
        message = random.choice(
            (
                {"execute": random.choice(("nope", "", 1, None, "qmp_capabilities"))},
                {"exec-oob": name},
                {"execute": name, "arguments": random.choice(OTHERS)},
                {"execute": name, "extra": 1},
                {},
            )
        )
    return message


def spoil(random: Random, data: bytes) -> bytes:
    """A message with something wrong that is not about its meaning."""
    spoilt = bytearray(data)
    at = random.randrange(len(spoilt))
    match random.randrange(8):
        case 0:
            spoilt[at] = random.randrange(256)
        case 1:
            del spoilt[at:]
        case 2:
            del spoilt[at]
        case 3:
            spoilt[at:at] = random.randbytes(random.randrange(1, 9))
        case 4:
            spoilt = bytearray(b'{"execute":' * random.choice((100, 2000, 50_000)))
        case 5:
            spoilt = bytearray(b"[" * random.choice((1000, 1025, 100_000)) + data)
        case 6:
            spoilt[:] = b'{"execute":"' + b"x" * random.choice((1 << 16, 1 << 20, 3 << 20)) + b'"}'
        case 7:
            spoilt = bytearray(random.randbytes(random.randrange(1, 200)))
    return bytes(spoilt)


def play_qmp(random: Random, path: Path, counts: Counts) -> None:
    """One client of the monitor."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))  # waits its turn, which it would not do with a limit
        connection.settimeout(LIMIT_S)
        negotiates = random.random() < 0.9
        if random.random() < 0.6:
            play_answered(random, connection, negotiates, counts)
        else:
            play_spoilt(random, connection, negotiates, counts)


def play_answered(random: Random, connection: socket.socket, negotiates: bool, counts: Counts) -> None:
    """Whole messages: each must be answered, in its order."""
    sent = [command(random) | {"id": number} for number in range(random.randrange(1, 40))]
    data = (NEGOTIATE if negotiates else b"") + b"".join(json.dumps(message).encode() for message in sent)
    counts.messages += len(sent)
    connection.sendall(data)
    lines = connection.makefile("rb")
    awaited = ([None] if negotiates else []) + list(range(len(sent)))
    greeting = lines.readline()
    if b'"QMP"' not in greeting:
        raise Finding(f"greeting {greeting[:200]!r}")
    while awaited:
        message = json.loads(lines.readline() or b"null")
        if message is None:
            raise Finding(f"hung up before it answered {sent[-len(awaited)]}")
        if "event" in message:
            continue
        if ("return" in message) == ("error" in message) or message.get("id") != awaited[0]:
            raise Finding(f"{message} answers {sent[-len(awaited)]}")
        awaited.pop(0)
        counts.replies += 1


def play_spoilt(random: Random, connection: socket.socket, negotiates: bool, counts: Counts) -> None:
    """Spoilt messages among whole ones: what comes back are errors or nothing, and in the end it hangs up."""
    messages = [json.dumps(command(random)).encode() for _ in range(random.randrange(1, 12))]
    messages = [spoil(random, each) if random.random() < 0.5 else each for each in messages]
    counts.messages += len(messages)
    try:
        connection.sendall((NEGOTIATE if negotiates else b"") + random.choice((b"", b"\n")).join(messages))
        if random.random() < 0.7:
            connection.shutdown(socket.SHUT_WR)
            received = bytearray()
            while data := connection.recv(1 << 16):
                received += data
            lines = bytes(received).splitlines()
            for line in lines:
                if not isinstance(json.loads(line), dict):
                    raise Finding(f"sent {line[:200]!r}")
            counts.replies += len(lines) - 1
    except ConnectionError:
        pass  # it may hang up on who sends nonsense
    counts.closed += 1


# What is sent over NBD


def play_nbd(random: Random, path: Path, counts: Counts) -> None:
    """One client of the NBD server."""
    messages = client_messages(random)
    counts.messages += len(messages)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))  # waits its turn, which it would not do with a limit
        connection.settimeout(LIMIT_S)
        try:
            connection.sendall(b"".join(messages))
            if random.random() < 0.7:
                connection.shutdown(socket.SHUT_WR)
                while data := connection.recv(1 << 16):
                    counts.replies += bool(data)
        except ConnectionError:
            pass
    counts.closed += 1


# All of it


def play(program: Program, number: int, counts: Counts) -> None:
    """One session.

    :raise Finding: when the program did not answer as it should, or is gone.
    """
    random = Random(number)
    try:
        if random.random() < 0.5:
            play_qmp(random, program.qmp_path, counts)
        else:
            play_nbd(random, program.nbd_path, counts)
    except (Finding, OSError, ValueError) as error:
        raise Finding(f"session {number}: {type(error).__name__}: {error}\n{program.child.stderr_tail()}") from error
    if program.child.status is not None:
        raise Finding(f"session {number}: the program ended with {program.child.status}\n{program.child.stderr_tail()}")
    counts.sessions += 1


def check_next_client(program: Program) -> None:
    """The next client of either kind is served."""
    monitor: Monitor = program.qmp()
    assert "return" in monitor.execute("query-version")
    monitor.close()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(LIMIT_S)
        connection.connect(str(program.nbd_path))
        assert connection.recv(8) == b"NBDMAGIC"


def options(folder: Path) -> list[str]:
    """A disk for both to play with; its file is the only one that they may find."""
    (folder / "disk").write_bytes(bytes(SIZE))
    return [
        *("--blockdev", "driver=file,node-name=disk,filename=disk,discard=unmap"),
        *("--export", "nbd,id=e,node-name=disk,writable=on"),
    ]


def main() -> int:
    """Play sessions against a reference of our own, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.quality.fuzz_served", description=__doc__)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first session")
    parser.add_argument("--sessions", type=int, default=3000, metavar="N", help="how many")
    arguments = parser.parse_args()
    counts = Counts()
    with (
        tempfile.TemporaryDirectory(prefix="mirrorcheck-") as name,
        running(Path(name), options=options(Path(name))) as program,
    ):
        before = program.rss_bytes()
        for number in range(arguments.first, arguments.first + arguments.sessions):
            try:
                play(program, number, counts)
            except Finding as finding:
                print(f"{finding}\nrepeat: python -m tests.quality.fuzz_served --first {number} --sessions 1")
                return 1
        check_next_client(program)
        print(f"{counts}; memory {before >> 10} KiB before, {program.rss_bytes() >> 10} KiB after")
    return 0


if __name__ == "__main__":
    sys.exit(main())
