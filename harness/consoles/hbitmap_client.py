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
from harness.consoles.hbitmap_protocol import DONE, ERROR, GREETING, NOTHING, Bitmap, BitmapIterator, ConsoleRefusal
from harness.errors import ImplementationCrash, ImplementationHang, ImplementationUnavailable, ProtocolViolation

#: Catches a console that hangs; no console needs a fraction of it for one answer.
ANSWER_LIMIT_S = 30.0

#: The longest answer that makes sense here: a serialized part of a million granules.
ANSWER_CHARACTERS_MAX = 1 << 20

NUMBER = r"-?[0-9]+"


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

    def new_bitmap(self, size: int, granularity: int = 0) -> ConsoleHBitmap:
        """Make a bitmap there.

        :raise ConsoleRefusal: when the console refuses the numbers.
        """
        return ConsoleHBitmap(self, int(self.ask("new", size, granularity, expected=NUMBER)))

    def ask(self, *words: str | int, expected: str) -> str:
        """Send a command, and return the answer.

        :param expected: regular expression that the whole answer must match, refusals excepted.
        :raise ConsoleRefusal: when the console answers ``error``; the text is the console's.
        :raise ImplementationCrash: when the console ended instead of answering.
        :raise ImplementationHang: when no answer came in time.
        :raise ProtocolViolation: when the answer is not one.
        """
        command = " ".join(map(str, words))
        shown = command if len(command) <= 100 else command[:97] + "..."
        try:
            self._spawn.sendline(command)
            self._spawn.expect_exact("\n")
        except pexpect.TIMEOUT:
            raise ImplementationHang(f"hbitmap console: no answer to '{shown}' in {self._answer_limit_s:g} s") from None
        except (pexpect.EOF, BrokenPipeError, ConnectionResetError):
            raise self._crash(shown) from None
        except UnicodeDecodeError:
            raise ProtocolViolation(f"hbitmap console: the answer to '{shown}' is not UTF-8") from None
        answer = str(self._spawn.before).removesuffix("\r")
        if len(answer) > ANSWER_CHARACTERS_MAX:
            raise ProtocolViolation(f"hbitmap console: the answer to '{shown}' has {len(answer)} characters")
        if answer.startswith(ERROR + " "):
            raise ConsoleRefusal(answer.removeprefix(ERROR + " "))
        if not re.fullmatch(expected, answer):
            raise ProtocolViolation(f"hbitmap console: '{answer[:100]}' is no answer to '{shown}'")
        return answer

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

    def iterator(self, first: int = 0) -> ConsoleIterator:
        return ConsoleIterator(self._client, self._ask_number("iter-new", first))

    def next_zero(self, start: int, count: int | None = None) -> int:
        return self._ask_number("next-zero", start, *_given(count))

    def next_dirty(self, start: int, count: int | None = None) -> int:
        return self._ask_number("next-dirty", start, *_given(count))

    def next_dirty_area(self, start: int, end: int, max_dirty_count: int | None = None) -> tuple[int, int] | None:
        answer = self._ask(
            "next-dirty-area", start, end, *_given(max_dirty_count), expected=f"{NOTHING}|{NUMBER} {NUMBER}"
        )
        if answer == NOTHING:
            return None
        area_start, area_count = answer.split()
        return int(area_start), int(area_count)

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
