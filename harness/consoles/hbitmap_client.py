"""Drives anybody's hierarchical bitmap through its console, with the interface that the reference's bitmap has.

What goes wrong with the console itself is a failure of that implementation, and says which command it was at:
``ImplementationCrash`` when it ended, ``ImplementationHang`` when no answer came, ``ProtocolViolation`` when the answer
is none. What the console refuses is a ``ConsoleRefusal``, a ``ValueError`` as in the reference.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import pexpect
import pexpect.fdpexpect

from harness import processes
from harness.consoles.hbitmap_protocol import (
    DONE,
    ERROR,
    FEATURE_PREFIX,
    GREETING,
    HBITMAP_FEATURES,
    NOTHING,
    Bitmap,
    BitmapIterator,
    ConsoleRefusal,
)
from harness.errors import ImplementationCrash, ImplementationHang, ImplementationUnavailable, ProtocolViolation

#: Catches a console that hangs; no console needs a fraction of it for one answer.
ANSWER_LIMIT_S = 30.0

#: The longest answer that makes sense here: a serialized part of a million granules.
ANSWER_CHARACTERS_MAX = 1 << 20

NUMBER = r"-?[0-9]+"

#: What an answer may have beside the one long one in a batch.
SHORT_ANSWER_CHARACTERS = 1000

READ_CHARACTERS = 1 << 16

#: What an iterator gives at its end.
END = -1

#: An area, or that there is none.
AREA = f"{NOTHING}|{NUMBER} {NUMBER}"

#: What is asked for at once where nobody needs an answer before the next command; all of it fits into the socket.
BATCH_COMMANDS_MAX = 1000


class HBitmapClient:
    """A console process. A context manager: leaving it ends the process.

    :ivar argv: the command line.
    """

    def __init__(self, argv: Sequence[str | Path], answer_limit_s: float = ANSWER_LIMIT_S) -> None:
        """Start the program and greet it.

        :param argv: a program that speaks the console protocol on its stdin and stdout.
        :param answer_limit_s: how long an answer may take.
        :raise ImplementationUnavailable: when the program cannot be started.
        :raise ImplementationError: as ``ask``; a greeting of another version is a ProtocolViolation.
        """
        self.argv = tuple(map(str, argv))
        ours, theirs = socket.socketpair()
        try:
            self._child = processes.start(self.argv, stdin=theirs.fileno(), stdout=theirs.fileno())
        except OSError as error:
            ours.close()
            raise ImplementationUnavailable(f"hbitmap console {self.argv[0]!r}: {error.strerror}") from error
        finally:
            theirs.close()
        self._socket = ours
        self._spawn = pexpect.fdpexpect.fdspawn(ours.fileno(), timeout=answer_limit_s, encoding="utf-8", use_poll=True)
        self._spawn.delaybeforesend = None
        self._answer_limit_s = answer_limit_s
        try:
            self.ask("hello", expected=re.escape(GREETING))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> HBitmapClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def features(self) -> frozenset[str]:
        """The optional features that the console says it has; none when it does not know the question.

        :raise ProtocolViolation: when it names one that there is not.
        """
        try:
            answer = self.ask("features", expected=f"{NOTHING}|[a-z0-9-]+( [a-z0-9-]+)*")
        except ConsoleRefusal:
            return frozenset()
        features = frozenset() if answer == NOTHING else frozenset(FEATURE_PREFIX + word for word in answer.split())
        for unknown in sorted(features - HBITMAP_FEATURES):
            raise ProtocolViolation(f"hbitmap console: there is no feature '{unknown.removeprefix(FEATURE_PREFIX)}'")
        return features

    def new_bitmap(self, size: int, granularity: int = 0, command: str = "new") -> ConsoleHBitmap:
        """Make a bitmap there.

        :param command: ``new-area`` and ``new-area-2018`` make one that ``next-area`` can be asked of.
        :raise ConsoleRefusal: when the console refuses the numbers.
        """
        return ConsoleHBitmap(self, int(self.ask(command, size, granularity, expected=NUMBER)))

    def ask_all(self, commands: Sequence[str], expected: str) -> list[str]:
        """Send commands together, and return their answers in order.

        :param expected: as for ``ask``, the same for all.
        :raise ConsoleRefusal: when any was refused, with the text of the first; all of them were carried out.
        :raise ImplementationError: as ``ask``.
        """
        answers: list[str] = []
        refusals: list[str] = []
        is_expected = re.compile(expected).fullmatch
        for begin in range(0, len(commands), BATCH_COMMANDS_MAX):
            batch = commands[begin : begin + BATCH_COMMANDS_MAX]
            self._send("\n".join(batch), batch[0])
            for command, answer in zip(batch, self._receive(batch), strict=True):
                if answer.startswith(ERROR + " "):
                    refusals.append(answer.removeprefix(ERROR + " "))
                elif not is_expected(answer):
                    raise ProtocolViolation(f"hbitmap console: '{answer[:100]}' is no answer to '{_shown(command)}'")
                answers.append(answer)
        if refusals:
            raise ConsoleRefusal(refusals[0])
        return answers

    def ask(self, *words: str | int, expected: str) -> str:
        """Send a command, and return the answer.

        :param expected: regular expression that the whole answer must match, refusals excepted.
        :raise ConsoleRefusal: when the console answers ``error``; the text is the console's.
        :raise ImplementationCrash: when the console ended instead of answering.
        :raise ImplementationHang: when no answer came in time.
        :raise ProtocolViolation: when the answer is not one.
        """
        return self.ask_all([" ".join(map(str, words))], expected)[0]

    def _send(self, lines: str, command: str) -> None:
        """Send lines, of which ``command`` is the one to name when it cannot be done."""
        try:
            self._spawn.sendline(lines)
        except (BrokenPipeError, ConnectionResetError):
            raise self._crash(_shown(command)) from None

    def _receive(self, commands: Sequence[str]) -> list[str]:
        """The answers to commands that were sent, whatever they are; see ``ask``."""
        text = ""
        arrived = 0
        while arrived < len(commands):
            shown = _shown(commands[arrived])
            try:
                chunk = self._spawn.read_nonblocking(READ_CHARACTERS, self._answer_limit_s)
            except pexpect.TIMEOUT:
                limit = f"{self._answer_limit_s:g} s"
                raise ImplementationHang(f"hbitmap console: no answer to '{shown}' in {limit}") from None
            except (pexpect.EOF, ConnectionResetError):
                raise self._crash(shown) from None
            except UnicodeDecodeError:
                raise ProtocolViolation(f"hbitmap console: the answer to '{shown}' is not UTF-8") from None
            arrived += chunk.count("\n")
            text += chunk
            if len(text) > ANSWER_CHARACTERS_MAX + len(commands) * SHORT_ANSWER_CHARACTERS:
                raise ProtocolViolation(f"hbitmap console: the answer to '{shown}' has {len(text)} characters")
        *answers, more = text.split("\n", len(commands))
        if more:
            more = more.partition("\n")[0][:100]
            raise ProtocolViolation(f"hbitmap console: '{more}' was not asked for by '{_shown(commands[-1])}'")
        return [answer.removesuffix("\r") for answer in answers]

    def close(self) -> None:
        """End the console, whatever it is doing. May be called twice."""
        self._socket.close()
        self._child.close()

    def _crash(self, command: str) -> ImplementationCrash:
        """It has closed its end; a moment later it is known how it ended."""
        try:
            how = processes.describe_status(self._child.wait(self._answer_limit_s))
        except TimeoutError:
            how = "closed its output and runs on"
        return ImplementationCrash(f"hbitmap console {how} at '{command}'", self._child.stderr_tail())


class ConsoleIterator(BitmapIterator):
    """An iterator in the console."""

    def __init__(self, client: HBitmapClient, number: int) -> None:
        self._client = client
        self._number = number

    def next(self, advance: bool = True) -> int:
        """The first item of the next dirty granule, or -1 at the end."""
        return int(self._client.ask("next" if advance else "peek", self._number, expected=NUMBER))

    def take(self, count: int, peeks: bool) -> list[tuple[int, int]]:
        """Up to ``count`` steps at once, each as (seen, taken), the last of them -1 at the end.

        :param peeks: whether to look before each step; otherwise what is seen is what is taken.
        """
        take = f"next {self._number}"
        if not peeks:
            items = [int(answer) for answer in self._client.ask_all([take] * count, NUMBER)]
            return _to_the_end(list(zip(items, items, strict=True)))
        items = [int(answer) for answer in self._client.ask_all([f"peek {self._number}", take] * count, NUMBER)]
        return _to_the_end(list(zip(items[::2], items[1::2], strict=True)))

    def next_area(self, max_offset: int) -> tuple[int, int] | None:
        """The next dirty area before ``max_offset``, as (offset, length), or None; move past it."""
        return _area(self._client.ask("next-area", self._number, max_offset, expected=AREA))

    def free(self) -> None:
        """Have the console forget it."""
        self._client.ask("iter-free", self._number, expected=DONE)


class ConsoleHBitmap(Bitmap):
    """A bitmap in the console; every method is the reference's of that name, and raises ConsoleRefusal where that one
    raises BitmapError.
    """

    def __init__(self, client: HBitmapClient, number: int) -> None:
        self._client = client
        self.number = number

    # Section: what it is

    @property
    def size(self) -> int:
        return self._ask_number("size")

    @property
    def granularity(self) -> int:
        return self._ask_number("granularity")

    @property
    def count(self) -> int:
        return self._ask_number("count")

    @property
    def serialization_alignment(self) -> int:
        return self._ask_number("alignment")

    def free(self) -> None:
        """Have the console forget it."""
        self._do("free")

    # Section: changes

    def set(self, start: int, count: int) -> None:
        self._do("set", start, count)

    def reset(self, start: int, count: int) -> None:
        self._do("reset", start, count)

    def reset_rounding_outward(self, start: int, count: int) -> None:
        self._do("reset-outward", start, count)

    def reset_all(self) -> None:
        self._do("reset-all")

    def truncate(self, size: int) -> None:
        self._do("truncate", size)

    @staticmethod
    def merge(a: ConsoleHBitmap, b: ConsoleHBitmap, result: ConsoleHBitmap) -> None:
        result._client.ask("merge", a.number, b.number, result.number, expected=DONE)

    def merge_from(self, other: ConsoleHBitmap) -> None:
        ConsoleHBitmap.merge(self, other, self)

    # Section: questions

    def get(self, item: int) -> bool:
        return self._ask("get", item, expected="[01]") == "1"

    def get_all(self, items: Sequence[int]) -> list[bool]:
        """``get`` for many items at once."""
        answers = self._client.ask_all([f"get {self.number} {item}" for item in items], "[01]")
        return [answer == "1" for answer in answers]

    def iterator(self, first: int = 0) -> ConsoleIterator:
        return ConsoleIterator(self._client, self._ask_number("iter-new", first))

    def next_zero(self, start: int, count: int | None = None) -> int:
        return self._ask_number("next-zero", start, *_given(count))

    def next_dirty(self, start: int, count: int | None = None) -> int:
        return self._ask_number("next-dirty", start, *_given(count))

    def next_dirty_area(self, start: int, end: int, max_dirty_count: int | None = None) -> tuple[int, int] | None:
        return _area(self._ask("next-dirty-area", start, end, *_given(max_dirty_count), expected=AREA))

    def status(self, start: int, count: int) -> tuple[bool, int]:
        dirty, same_count = self._ask("status", start, count, expected=f"[01] {NUMBER}").split()
        return dirty == "1", int(same_count)

    # Section: serialization and meta bitmap

    def serialization_size(self, start: int, count: int) -> int:
        return self._ask_number("serialized-size", start, count)

    def serialize_part(self, start: int, count: int) -> bytes:
        answer = self._ask("serialize", start, count, expected=f"{NOTHING}|(?:[0-9a-f]{{2}})+")
        return b"" if answer == NOTHING else bytes.fromhex(answer)

    def deserialize_part(self, data: bytes, start: int, count: int, finish: bool) -> None:
        self._do("deserialize", start, count, int(finish), data.hex() or NOTHING)

    def deserialize_zeroes(self, start: int, count: int, finish: bool) -> None:
        self._do("deserialize-zeroes", start, count, int(finish))

    def deserialize_ones(self, start: int, count: int, finish: bool) -> None:
        self._do("deserialize-ones", start, count, int(finish))

    def deserialize_finish(self) -> None:
        self._do("deserialize-finish")

    def sha256(self) -> str:
        return self._ask("sha256", expected="[0-9a-f]{64}")

    def create_meta(self, chunk_items: int) -> ConsoleHBitmap:
        return ConsoleHBitmap(self._client, self._ask_number("meta-new", chunk_items))

    def free_meta(self) -> None:
        self._do("meta-free")

    # Section: asking

    def _ask(self, command: str, *words: str | int, expected: str) -> str:
        return self._client.ask(command, self.number, *words, expected=expected)

    def _ask_number(self, command: str, *words: int) -> int:
        return int(self._ask(command, *words, expected=NUMBER))

    def _do(self, command: str, *words: str | int) -> None:
        self._ask(command, *words, expected=DONE)


def _given(value: int | None) -> tuple[int, ...]:
    """An optional word: left out when it is None."""
    return () if value is None else (value,)


def _area(answer: str) -> tuple[int, int] | None:
    if answer == NOTHING:
        return None
    start, count = answer.split()
    return int(start), int(count)


def _to_the_end(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Steps up to the first that came to the end, which many were asked for in vain behind."""
    for index, (_, taken) in enumerate(pairs):
        if taken == END:
            return pairs[: index + 1]
    return pairs


def _shown(command: str) -> str:
    return command if len(command) <= 100 else command[:97] + "..."
