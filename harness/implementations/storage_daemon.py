"""A real ``qemu-storage-daemon``: storage on the harness's NBD server, guests on its NBD exports, control over QMP.

The daemon is started anew for every session, on one end of a socket pair; nothing it does survives it. Everything runs
on one event loop in this thread, which turns only while a session waits: no request is served and no event is read
behind a case's back.

Source: real-qemu C, D7 and I.
"""

from __future__ import annotations

import asyncio
import functools
import os
import re
import shlex
import socket
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from qemu.qmp import ConnectError

from harness import processes
from harness.consoles import qemu_io
from harness.consoles.console import Console
from harness.deviations import PROGRAM_FEATURE
from harness.errors import (
    CaseSkipped,
    ImplementationCrash,
    ImplementationError,
    ImplementationHang,
    ImplementationUnavailable,
    ProtocolViolation,
)
from harness.implementations.base import (
    HANG_LIMIT_S,
    BitmapPort,
    Event,
    GuestPort,
    Implementation,
    PendingCommand,
    PendingRequest,
    Probe,
    Session,
)
from harness.implementations.daemon_exports import DaemonExports
from harness.implementations.features import features_of_schema, program_of
from harness.implementations.late_replies import Nudges
from harness.implementations.qmp_connection import QmpConnection
from harness.implementations.quiescence import RestSelector, Threads, threads_of
from harness.implementations.sanitizers import SanitizerReports
from harness.nbd.server import NbdServer
from harness.storage import HeldStorage, Operation
from harness.transcript import printable

IDLE_ROUND_TRIPS = 2
"""How many QMP round trips in a row must come back with nothing else happening for the program to be at rest.

The reply to a command leaves the main loop after whatever was readable before it; what that set off in turn shows at
the latest during the second one (design: quiescence).
"""

BLOCKED_MONITOR_S = 0.02
"""While a command is under way the monitor answers nobody. Then this long without any activity counts as rest."""

STORAGE_SOCKET = "storage.sock"
"""Where held storage is, in a session's folder."""

ANSWER_LIMIT_S = 0.5
"""A program that cannot be looked at, and has given no answer and done nothing for so long, is taken to be at rest."""

START_LIMIT_S = 30.0

DETAIL_LENGTH_MAX = 300
"""How much is shown of what a program sent or said instead of speaking QMP."""

Result = TypeVar("Result")


class DaemonSession(Session):
    """One daemon, its storage server and its guests."""

    KIND = "qemu-storage-daemon"

    def __init__(self, program: str, folder: Path, hang_limit_s: float, *, late_replies: bool = False) -> None:
        super().__init__()
        self._late_replies = late_replies
        self._nudges: Nudges | None = None
        self._hang_limit_s = hang_limit_s
        self._storage_path = folder / STORAGE_SOCKET
        self._guest_path = folder / "guest.sock"
        self._selector = RestSelector()
        self._loop = asyncio.SelectorEventLoop(self._selector)
        self._threads: Threads | None = None
        self._reports: SanitizerReports | None = None
        self._changed = asyncio.Event()
        self._server: NbdServer | None = None
        self._exports = DaemonExports(self, self._guest_path, self._changed.set)
        self._pending: list[PendingCommand] = []
        self._ping: asyncio.Task[None] | None = None
        self._consoles: list[Console] = []
        self._closed = False
        self._has_quit = False
        self._program = program
        self._folder = folder
        self._launch()

    def _launch(self) -> None:
        """Start the program and greet it.

        :raise ImplementationUnavailable: when it cannot be started, or speaks no QMP.
        """
        program = self._program
        self._qmp = QmpConnection(self._take_event, self._changed.set)
        ours, theirs = socket.socketpair()
        inode = os.fstat(theirs.fileno()).st_ino
        try:
            try:
                self._child = self._start_child(program, theirs.fileno())
            except OSError as error:
                raise ImplementationUnavailable(f"cannot start {program}: {error.strerror or error}") from error
            finally:
                theirs.close()
            ours.setblocking(False)
            limit_s = min(START_LIMIT_S, self._hang_limit_s)
            try:
                self._run(self._qmp.connect(ours), limit_s)
            except TimeoutError as error:
                raise ImplementationUnavailable(f"{program} does not speak QMP within {limit_s:g} s") from error
            except Exception as error:  # whatever a program may send that is none: not only what the client expects
                raise ImplementationUnavailable(self._describe_failed_start(program, error)) from error
            self._forget_threads()
            self._threads = threads_of(self._child.pid, inode)
            self._reports = SanitizerReports(self._child)
        except BaseException:
            ours.close()
            self.close()
            raise

    def _forget_threads(self) -> None:
        if self._threads is not None:
            self._threads.close()
            self._threads = None

    def _start_child(self, program: str, control_fd: int) -> processes.Child:
        """Start the program with its end of the control connection.

        :raise OSError: when it cannot be started.
        """
        argv = [
            *program_words(program),
            "--chardev",
            f"socket,id=control,fd={control_fd}",
            "--monitor",
            "chardev=control",
        ]
        return processes.start(argv, pass_fds=[control_fd], cwd=self._folder)

    def _describe_failed_start(self, program: str, error: BaseException) -> str:
        """One line: what the program said last, else what was wrong with what it sent, else how it ended."""
        cause = error.exc if isinstance(error, ConnectError) else error
        detail = str(cause) or type(cause).__name__
        if isinstance(cause, EOFError | ConnectionError):
            try:
                detail = f"it {processes.describe_status(self._child.wait(1.0))}"
            except TimeoutError:
                detail = "it hung up"
            said = self._child.stderr_tail().splitlines()
            detail = next((line for line in reversed(said) if line.strip() and not is_advice(line)), detail)
        self._child.close()
        return f"{program} does not speak QMP: {printable(' '.join(detail.split()))[:DETAIL_LENGTH_MAX]}"

    def _take_event(self, name: str, data: dict[str, Any]) -> None:
        if not self._exports.takes(name, data):
            self.events.append(Event(name, data))

    # The loop

    def _run(self, awaitable: Awaitable[Result], limit_s: float) -> Result:
        return self._await(asyncio.ensure_future(awaitable, loop=self._loop), limit_s)

    def _await(self, future: asyncio.Future[Result], limit_s: float) -> Result:
        """Let the loop turn until a future is done. As `asyncio.wait_for`, but without a further task for each wait.

        :raise TimeoutError: when the limit is over; the future is cancelled then.
        """
        is_over = False

        def end() -> None:
            nonlocal is_over
            is_over = True
            future.cancel()

        timer = self._loop.call_later(limit_s, end)
        try:
            return self._loop.run_until_complete(future)
        except asyncio.CancelledError:
            if is_over:
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()

    def run(self, awaitable: Awaitable[Result]) -> Result:
        """Let the loop turn until there is a result, within the limit that only hangs exceed."""
        return self._run(awaitable, self._hang_limit_s)

    def run_command(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Execute a command of our own, for set-up, and return what it returns.

        :raise ImplementationError: when it is refused.
        """
        pending = PendingCommand(name, arguments)
        self.wait(self._submitted(pending), f"the reply to {name}")
        assert pending.reply is not None
        if "error" in pending.reply:
            raise ImplementationError(f"{name} was refused: {pending.reply['error']['desc']}")
        return pending.reply["return"]

    def _submitted(self, pending: PendingCommand) -> Callable[[], bool]:
        self._start(pending)
        return lambda: pending.done

    def _start(self, pending: PendingCommand) -> None:
        self._qmp.start(pending, self._loop)

    def _activity(self) -> int:
        server = self._server.activity if self._server is not None else 0
        return self._qmp.activity + server + sum(guest.activity for guest in self._exports.guests)

    def _check_alive(self) -> None:
        self._check_reports()
        if self._qmp.lost is None:
            return
        if not self._qmp.hung_up:  # it was we who could not go on; that it may end because of that is no crash
            raise ProtocolViolation(self._qmp.lost)
        try:
            status = self._child.wait(1.0)
        except TimeoutError:
            raise ProtocolViolation(self._qmp.lost) from None
        raise ImplementationCrash(f"{self.KIND} ended: {processes.describe_status(status)}", self._child.stderr_tail())

    def _check_reports(self) -> None:
        report = self._reports.first_new() if self._reports is not None else None
        if report is not None:
            raise ImplementationCrash(
                f"a sanitizer in {self.KIND}: {printable(report)[:DETAIL_LENGTH_MAX]}", self._child.stderr_tail()
            )

    # The interface

    def attach(self, name: str, storage: HeldStorage, *, read_only: bool = False, unmap: bool = False) -> None:
        self._serve(name, storage, read_only)
        options = {
            "driver": "nbd",
            "node-name": name,
            "server": {"type": "unix", "path": str(self._storage_path)},
            "export": name,
            "read-only": read_only,
            "discard": "unmap" if unmap else "ignore",
        }
        self.run_command("blockdev-add", options)

    def _serve(self, name: str, storage: HeldStorage, read_only: bool) -> None:
        """Offer storage to the program, and to whoever else finds the way."""
        if self._server is None:
            self._server = self._run(NbdServer.start(self._storage_path), START_LIMIT_S)
            if self._late_replies:
                self._nudges = Nudges(self._server)
        self._server.add_export(name, storage, read_only=read_only)
        storage.on_submit.append(lambda request: self._changed.set())

    def open_guest(self, node_name: str) -> GuestPort:
        return self._exports.open_guest(node_name)

    def open_qemu_io(self, node_name: str, *, below: bool = False, terminal: bool = False) -> Console:
        program = qemu_io.beside(self._program, self.KIND)
        if program is None:
            raise CaseSkipped(f"needs qemu-io, which is not beside {self._program}")
        path = self._storage_path if below else self._guest_path
        address = f"nbd+unix:///{node_name}?socket={path.name}"
        console = qemu_io.start(self, program, ["-f", "raw", address], self._folder, terminal=terminal)
        self._consoles.append(console)
        return console

    def something_changed(self) -> None:
        """Have conditions that are waited for looked at again."""
        self._changed.set()

    def close_guest(self, node_name: str) -> None:
        self._exports.close_guest(node_name)

    def open_bitmap(self, node_name: str, bitmap_name: str) -> BitmapPort:
        return self._exports.open_bitmap(node_name, bitmap_name)

    def submit_command(self, name: str, arguments: Mapping[str, Any]) -> PendingCommand:
        pending = PendingCommand(name, arguments)
        self._start(pending)
        self._pending.append(pending)
        return pending

    def quit(self) -> str:
        pending = self.submit_command("quit", {})
        try:
            self._run(self._until_lost(), self._hang_limit_s)
            status = self._child.wait(self._hang_limit_s)
        except TimeoutError:
            raise self._hang(f"it has not quit within {self._hang_limit_s:g} s") from None
        if pending.reply is not None and "error" in pending.reply:
            raise ImplementationError(f"quit was refused: {pending.reply['error']['desc']}")
        self._has_quit = True
        self._check_reports()
        return processes.describe_status(status)

    async def _until_lost(self) -> None:
        while self._qmp.lost is None:
            self._changed.clear()
            await self._changed.wait()

    def settle(self) -> None:
        if self._has_quit:
            return
        self._pending = [pending for pending in self._pending if not pending.done]
        try:
            self._come_to_rest()
        except TimeoutError:
            raise self._hang(f"it is never at rest within {self._hang_limit_s:g} s") from None
        self._check_alive()

    def _come_to_rest(self) -> None:
        if self._threads is None:
            self._run(self._settle_by_asking(), self._hang_limit_s)
            return
        at_rest = self._loop.create_future()

        def on_rest() -> None:
            if not at_rest.done() and (self._nudges is None or not self._nudges.nudge()):
                at_rest.set_result(None)

        self._selector.watch(self._threads, on_rest)
        try:
            self._await(at_rest, self._hang_limit_s)
        finally:
            self._selector.unwatch()

    async def _settle_by_asking(self) -> None:
        """Settle with a program that cannot be looked at: whatever was readable before a reply was read before it.

        If it answers nobody, it waits in its main loop for what is held; how long is waited for an answer is a guess.
        """
        idle = 0
        while idle < IDLE_ROUND_TRIPS and self._qmp.lost is None:
            if self._nudges is not None:
                self._nudges.nudge()
            before = self._activity()
            if any(not pending.done for pending in self._pending):
                await self._rest()
            else:
                self._ping = self._ping or asyncio.create_task(self._qmp.ping())
                await asyncio.wait([self._ping], timeout=ANSWER_LIMIT_S)
                if not self._ping.done():
                    idle = IDLE_ROUND_TRIPS - 1
                else:
                    self._ping = None
            idle = idle + 1 if self._activity() == before and self._at_rest() else 0

    def _at_rest(self) -> bool:
        return (self._server is None or self._server.idle()) and not any(
            guest.is_busy for guest in self._exports.guests
        )

    async def _rest(self) -> None:
        if self._nudges is not None:
            self._nudges.nudge()
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), BLOCKED_MONITOR_S)
        except TimeoutError:
            pass

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        if condition():
            return
        try:
            self._run(self._wait(condition), self._hang_limit_s)
        except TimeoutError:
            raise self._hang(f"{self._hang_limit_s:g} s passed while waiting for {what}") from None
        if not condition():
            self._check_alive()

    async def _wait(self, condition: Callable[[], bool]) -> None:
        while not condition() and self._qmp.lost is None:
            self._changed.clear()
            if self._nudges is None or not self._nudges.nudge():
                await self._changed.wait()

    def let_time_pass(self) -> None:
        self._run(self._rest(), self._hang_limit_s)
        self._check_alive()

    def _hang(self, text: str) -> ImplementationHang:
        waits = [f"guest {request.describe()}: no reply" for guest in self._exports.guests for request in guest.pending]
        waits += [f"command {pending.name}: no reply" for pending in self._pending if not pending.done]
        return ImplementationHang(text, waits, self._qmp.last_messages)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for console in self._consoles:
            console.close()
        self._exports.abort()
        if hasattr(self, "_child"):
            self._child.close()
        self._forget_threads()
        self._loop.run_until_complete(self._close_connections())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
        for path in (self._storage_path, self._guest_path):
            path.unlink(missing_ok=True)

    async def _close_connections(self) -> None:
        await self._qmp.close()
        if self._ping is not None:
            self._ping.cancel()
            await asyncio.wait([self._ping])
        if self._server is not None:
            await self._server.close()


def program_words(program: str) -> list[str]:
    """A program, which may be given with its first arguments: ``mirrorcheck serve``."""
    return [program] if " " not in program or os.path.exists(program) else shlex.split(program)


class StorageDaemon(Implementation):
    """A ``qemu-storage-daemon`` by name or path."""

    SESSION: type[DaemonSession] = DaemonSession

    def __init__(self, spec: str, program: str) -> None:
        self.spec = spec
        self._program = program

    def probe(self) -> Probe:
        return _probe(self.SESSION, *self._find())

    def open(self, folder: Path, hang_limit_s: float = HANG_LIMIT_S) -> Session:
        late_replies = _replies_late(self.SESSION, *self._find())
        return self.SESSION(self._program, folder, hang_limit_s, late_replies=late_replies)

    def _find(self) -> tuple[str, int]:
        """The program's own path, and when it was last changed."""
        try:
            first, *more = program_words(self._program)
            path = os.path.realpath(processes.find_program(first))
            return shlex.join([path, *more]) if more else path, os.stat(path).st_mtime_ns
        except OSError as error:
            raise ImplementationUnavailable(f"cannot start {self._program}: {error.strerror or error}") from error


def is_advice(line: str) -> bool:
    """Whether a line on stderr only tells whom to ask, as after a wrong option."""
    return line.startswith("Try '")


@functools.cache
def _probe(session_type: type[DaemonSession], path: str, modified_ns: int) -> Probe:
    """Ask a program once for as long as its file does not change."""
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
        session = session_type(path, Path(folder), HANG_LIMIT_S)
        try:
            probe, version = probe_of(session)
        finally:
            session.close()
    # It runs in the folder of the case, so that relative names of files are the case's, and for the case alone, so that
    # nothing comes late that an earlier one brought about.
    features = probe.features | {"own-program", "relative-names"}
    program = program_of(version, features)
    if program != session_type.KIND:
        features |= {f"{PROGRAM_FEATURE}{program}"}
    if qemu_io.beside(path, session_type.KIND):
        features |= {"qemu-io-console"}
    if "human-monitor-command" in features:
        features |= {"drive", "hmp-console"}
    return probe._replace(features=features)


def probe_of(session: DaemonSession) -> tuple[Probe, Mapping[str, Any]]:
    """What a program says of itself over QMP, and its reply to `query-version`."""
    schema = session.run_command("query-qmp-schema", {})
    version = session.run_command("query-version", {})
    numbers = version["qemu"]
    package = re.sub(r"^.*\((.*)\).*$", r"\1", version["package"])
    text = f"{numbers['major']}.{numbers['minor']}.{numbers['micro']}"
    features = features_of_schema(schema)
    if "block-export-add" in features:
        # From the first version with that command its NBD exports take `bitmaps`.
        features |= {"bitmap-export"}
    return Probe(f"{text} ({package})" if package else text, features), version


@functools.cache
def _replies_late(session_type: type[DaemonSession], path: str, modified_ns: int) -> bool:
    """Find out whether a program leaves replies lying: see `late_replies`."""
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
        session = session_type(path, Path(folder), HANG_LIMIT_S)
        try:
            return finds_replies_lying(session)
        finally:
            session.close()


def finds_replies_lying(session: DaemonSession) -> bool:
    """Whether the program of a session that has done nothing yet leaves replies lying."""
    disk = HeldStorage("disk", 1024)
    disk.hold(Operation.WRITE)
    session.attach("disk", disk)
    guest = session.open_guest("disk")
    requests = [PendingRequest(Operation.WRITE, offset, 512, bytes(512)) for offset in (0, 512)]
    for request in requests:
        guest.submit(request)
        session.settle()
    for held, request in zip(disk.held, requests, strict=True):
        held.release()
        session.settle()
        if not request.done:
            return True
    return False
