"""A program that is talked to line by line: it shows a prompt, takes a line, answers, and shows the prompt again.

The talk goes on in the session's own event loop, so that the harness's storage serves the program while an answer is
awaited, and a line whose request is held simply has no answer yet.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

import pexpect
import pexpect.fdpexpect

from harness.consoles.redraw import visible
from harness.errors import CaseError, ImplementationCrash, ProtocolViolation
from harness.processes import Child, describe_status

Result = TypeVar("Result")


class Host(Protocol):
    """What a console needs of the session in whose loop it lives."""

    def run(self, awaitable: Awaitable[Result]) -> Result:
        """Let the loop turn until there is a result."""

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """As `Session.wait`."""

    def something_changed(self) -> None:
        """Have conditions that are waited for looked at again."""


class Console:
    """One talk.

    :param descriptor: our end of it, a socket or the master of a terminal; it is closed with the console.
    :param prompt: what the program shows when it takes a line.
    :param echoes: whether it draws what is typed, as on a terminal.
    :param child: the program, when it was started for this talk only; it is ended with the console.
    :ivar greeting: what came before the first prompt.
    :ivar answer: what came after the last line, without the line itself; None while there is no prompt.
    :ivar ended: whether the program has hung up.
    """

    def __init__(self, host: Host, descriptor: int, prompt: str, *, echoes: bool, child: Child | None = None) -> None:
        self.prompt = prompt
        self.answer: str | None = None
        self.ended = False
        self._host = host
        self._echoes = echoes
        self._child = child
        self._line: str | None = None
        self._problem: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._spawn = pexpect.fdpexpect.fdspawn(
            descriptor, timeout=None, encoding="utf-8", codec_errors="backslashreplace"
        )
        # Without this, pexpect waits 50 ms before every line (real-qemu H).
        self._spawn.delaybeforesend = None
        try:
            self._listen()
            self.wait()
        except BaseException:
            self.close()
            raise
        self.greeting = self.answer or ""

    def send(self, line: str) -> None:
        """Type a line; its answer comes later.

        :raise CaseError: when the program does not show its prompt, or is gone.
        """
        if self.ended:
            raise CaseError(f"the console has ended, '{line}' reaches nobody")
        if self.answer is None:
            raise CaseError(f"'{self._line}' has no answer yet, and '{line}' is to be typed")
        self._line = line
        self.answer = None
        self._listen()
        data = f"{line}\n".encode()
        while data:  # the line is short and the program reads: this never waits for long
            data = data[os.write(self._spawn.child_fd, data) :]

    def wait(self) -> str:
        """Wait for the answer to the last line, or for the end of the program.

        :raise ProtocolViolation: when it draws another line than was typed.
        :raise ImplementationCrash: when it ends before its first prompt.
        """
        what = f"the answer to '{self._line}'" if self._line is not None else f"the first '{self.prompt.strip()}'"
        self._host.wait(lambda: self.answer is not None, what)
        if self._problem is not None:
            raise self._problem
        return self.answer or ""

    def exit_status(self) -> str:
        """Wait for the program to end, and say how it did."""
        if self._child is None:
            raise CaseError("this console has no program of its own")
        return describe_status(self._child.wait(30.0))

    def close(self) -> None:
        """Hang up, and end the program when it is the console's own. May be called twice."""
        if self._closed:
            return
        self._closed = True
        if self._child is not None:
            self._child.close()
        self._host.run(self._hang_up())
        if self._spawn.child_fd >= 0:
            self._spawn.close()

    async def _hang_up(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._spawn.async_pw_transport:
            self._spawn.async_pw_transport[1].close()
            await asyncio.sleep(0)  # the transport lets go of the descriptor in the loop's next turn

    def _listen(self) -> None:
        async def start() -> None:
            self._task = asyncio.get_running_loop().create_task(self._expect())

        self._host.run(start())

    async def _expect(self) -> None:
        found = await self._spawn.expect_exact([self.prompt, pexpect.EOF], timeout=None, async_=True)
        self.ended = found == 1
        try:
            self.answer = self._read(self._spawn.before or "")
        except (ProtocolViolation, ImplementationCrash) as problem:
            self._problem = problem
            self.answer = ""
        self._host.something_changed()

    def _read(self, drawn: str) -> str:
        text = visible(drawn)
        if self._line is None:
            if self.ended:
                raise ImplementationCrash(f"the console ended before its first '{self.prompt.strip()}'", text)
            return text
        if not self._echoes:
            return text
        echo, _, answer = text.partition("\n")
        if echo != self._line:
            raise ProtocolViolation(f"the console draws {echo!r} where {self._line!r} was typed")
        return answer
