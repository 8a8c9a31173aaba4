"""A machine on an event loop: QMP and NBD from outside, the reference's scheduler inside, timers in real time.

The scheduler runs whenever something came from outside or a timer is due, to its rest; between two such moments nothing
happens. Its clock is moved to the time that has really passed before it runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import CaseError
from harness.implementations.reference_files import Files
from harness.serve.export_commands import ExportCommands
from harness.serve.nbd_node import NbdDriver
from harness.serve.qmp_server import QmpServer
from reference_impl.machine import Machine
from reference_impl.monitor import Command
from reference_impl.parts import Parts
from reference_impl.qmp_errors import QmpError

SLICE_S = 0.01
"""How long the machine may go on without a look at the sockets."""


class MachineServer:
    """One reference, with its sockets.

    :param parts: what it is made of, if not as it should be.
    """

    def __init__(self, parts: Parts | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._started_s = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._settling = False
        self._again = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.over = asyncio.Event()
        self.failure: BaseException | None = None
        self._driver = NbdDriver(self.settle)
        self._exports = ExportCommands(self._await, self.settle)
        self._files = Files(Path.cwd(), self._post)
        self.qmp = QmpServer(self.execute)
        self.machine = Machine(
            parts,
            on_event=self.qmp.send_event,
            files=self._files,
            drivers={"nbd": self._driver.make},
            server_handlers={**self._exports.handlers(), "quit": self._quit},
        )
        self._driver.graph = self.machine.graph
        self._exports.machine = self.machine

    # The scheduler on the loop

    def _post(self, callback: Callable[[], None]) -> None:
        self.machine.scheduler.post(callback)

    def settle(self) -> None:
        """Run the machine to its rest soon, and look after its timers."""
        if not self._settling:
            self._settling = True
            self._loop.call_soon(self._settle)

    def _settle(self) -> None:
        self._settling = False
        if self.failure is not None:
            return
        scheduler = self.machine.scheduler
        try:
            scheduler.now_ns = max(scheduler.now_ns, int((self._loop.time() - self._started_s) * 1e9))
            # What takes long is interrupted, so that clients are heard meanwhile.
            until_s = self._loop.time() + SLICE_S
            while scheduler.step():
                if self._loop.time() > until_s:
                    self.settle()
                    break
        except Exception as error:  # a bug of the model: nothing can go on after it
            self.failure = error
            self.over.set()
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        timer = scheduler.next_timer()
        if timer is not None:
            delay_s = max(timer.deadline_ns - scheduler.now_ns, 0) / 1e9
            self._timer = self._loop.call_later(delay_s, self.settle)

    def execute(
        self, name: str, arguments: dict[str, Any], on_reply: Callable[[dict[str, Any]], None] | None = None
    ) -> None:
        """Run a command; see `QmpServer`."""

        def answered(command: Command) -> None:
            if on_reply is not None and command.reply is not None:
                on_reply(command.reply)

        # What has arrived before a command is done before it, so that the answer to a query is not out of date.
        self._settle()
        try:
            self.machine.execute(name, arguments, answered)
        except Exception as error:
            self.failure = error
            self.over.set()
        self.settle()

    async def execute_first(self, name: str, arguments: dict[str, Any]) -> None:
        """Run a command before there are clients.

        :raise QmpError: when it is refused.
        """
        done: asyncio.Future[dict[str, Any]] = self._loop.create_future()
        self.execute(name, arguments, done.set_result)
        await self.either(done)
        reply = done.result() if done.done() else {}
        if "error" in reply:
            raise QmpError(reply["error"]["desc"])

    async def either(self, other: asyncio.Future[Any] | asyncio.Event) -> None:
        """Wait for something, or for the end."""
        waits = [self._loop.create_task(self.over.wait())]
        if isinstance(other, asyncio.Event):
            waits.append(self._loop.create_task(other.wait()))
        try:
            futures = [other] if isinstance(other, asyncio.Future) else []
            await asyncio.wait([*waits, *futures], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def wait_for_end(self) -> None:
        """Wait until it is told to end.

        :raise Exception: what broke the model, or a connection: a bug of ours.
        """
        await self.either(self.qmp.failed)
        failure = self.failure or self.qmp.failure
        if failure is not None:
            raise failure

    async def _await(self, what: str, awaitable: Callable[[], Awaitable[Any]]) -> Any:
        """Within a command: wait for something of the event loop's."""
        scheduler = self.machine.scheduler
        task = scheduler.running

        async def run() -> None:
            try:
                answer: Any = await awaitable()
            except (OSError, CaseError) as error:
                answer = error
            scheduler.post(lambda: scheduler.wake(task, answer))
            self.settle()

        running = self._loop.create_task(run())
        self._tasks.add(running)
        running.add_done_callback(self._tasks.discard)
        answer = await scheduler.suspend(what)
        if isinstance(answer, OSError):
            raise QmpError(f"{what}: {answer.strerror}")
        if isinstance(answer, CaseError):
            raise QmpError(str(answer))
        return answer

    # Commands

    async def _quit(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        reply = await self.machine.quit()
        self._loop.call_soon(self.over.set)
        return reply

    async def close(self) -> None:
        """Close everything."""
        await self.qmp.close()
        await self._exports.close()
        self._driver.close()
        self.machine.scheduler.close()
        self._files.close()
