"""A program that somebody else has started, at given sockets: the same cases, and everything as it was afterwards.

Nothing is started and nothing is killed here. A session adds what it needs to the program (nodes over held storage,
exports, jobs) and takes all of it away when it ends, whatever state it is in by then: it first cuts off the storage, so
that nothing waits for it any more, then ends the jobs, the exports, the nodes and the objects.
"""

from __future__ import annotations

import os
import re
import socket
import struct
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qemu.qmp import ConnectError

from harness.consoles.console import Console
from harness.deviations import PROGRAM_FEATURE
from harness.errors import (
    CaseSkipped,
    ImplementationCrash,
    ImplementationError,
    ImplementationHang,
    ImplementationUnavailable,
    MirrorcheckError,
    ProtocolViolation,
    UsageError,
)
from harness.implementations import socket_address, socket_files, socket_lock
from harness.implementations.base import HANG_LIMIT_S, Implementation, PendingCommand, Probe, Session
from harness.implementations.features import program_of
from harness.implementations.qmp_connection import QmpConnection
from harness.implementations.quiescence import Threads
from harness.implementations.socket_address import Address
from harness.implementations.storage_daemon import STORAGE_SOCKET, DaemonSession, finds_replies_lying, probe_of
from harness.transcript import printable

GREETING_LIMIT_S = 10.0
"""A program greets at once; one that does not within this is busy with somebody else."""

QUEUE_LIMIT_S = 600.0
"""How long other workers may keep a program."""

_REMOVERS = {"device_add": "device_del", "object-add": "object-del"}
"""Commands that add what no query lists everywhere, and those that take it away: first what is above nodes."""

_HELD_BACK = frozenset({"QUORUM_REPORT_BAD"})
"""Events that a program sends once in a second at most, and later what came meanwhile: it may be of an earlier case."""

_PEER = struct.Struct("3i")  # struct ucred: process, user, group


class Inventory:
    """What is in a program.

    :ivar things: by their kind, what the program calls them.
    """

    def __init__(self, things: Mapping[str, frozenset[str]]) -> None:
        self.things = things

    def beyond(self, earlier: Inventory) -> list[str]:
        """What has been added, in words."""
        return [
            f"{kind} '{name}'"
            for kind, names in self.things.items()
            for name in sorted(names - earlier.things.get(kind, frozenset()))
        ]


class SocketSession(DaemonSession):
    """What we do with one running program, from the moment when we may until all is as it was."""

    KIND = "socket"

    def __init__(
        self, address: Address, lock: socket_lock.SocketLock, folder: Path, hang_limit_s: float, *, late_replies: bool
    ) -> None:
        self._address = address
        self._lock = lock
        self._added: list[tuple[str, str]] = []
        self._found: Inventory | None = None
        super().__init__(address.qmp, folder, hang_limit_s, late_replies=late_replies)

    # Coming

    def _launch(self) -> None:
        """Greet the program.

        :raise ImplementationUnavailable: when it is not there, speaks no QMP, is busy, or has jobs.
        """
        path = self._address.qmp
        folder = self._folder
        self._qmp = QmpConnection(self._take_event, self._changed.set, lambda reply: socket_files.inward(folder, reply))
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.setblocking(False)
            try:
                connection.connect(path)
            except BlockingIOError:
                raise ImplementationUnavailable(f"{path} is busy: others wait for it already") from None
            except OSError as error:
                raise ImplementationUnavailable(f"cannot connect to {path}: {error.strerror or error}") from error
            pid, _, _ = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
            try:
                self._run(self._qmp.connect(connection), min(GREETING_LIMIT_S, self._hang_limit_s))
            except TimeoutError:
                raise ImplementationUnavailable(
                    f"{path} sends no greeting within {GREETING_LIMIT_S:g} s: it is busy with another client, or hangs"
                ) from None
            except Exception as error:  # whatever a program may send that is none
                cause = error.exc if isinstance(error, ConnectError) else error
                detail = " ".join((str(cause) or type(cause).__name__).split())
                raise ImplementationUnavailable(f"{path} does not speak QMP: {printable(detail)[:300]}") from error
            self._threads = Threads([pid]) if pid > 0 and Threads.can_see(pid) else None
            if self._address.nbd is not None:
                self._exports.use_server(Path(self._address.nbd))
            self._found = found = self._take_inventory()
            left = [node["node-name"] for node in self._nodes if _is_left_over(node)]
            if left:
                raise ImplementationUnavailable(
                    f"{path} still has what a case that was killed left in it: node '{left[0]}'; start it anew"
                )
            if found.things["job"]:
                raise ImplementationUnavailable(f"{path} has jobs already: {', '.join(sorted(found.things['job']))}")
        except BaseException:
            connection.close()
            self._found = None
            self.close()
            raise

    def _take_inventory(self) -> Inventory:
        def names(command: str, key: str) -> frozenset[str]:
            return frozenset(each[key] for each in self.run_command(command, {}) if each.get(key))

        self._nodes = self.run_command("query-named-block-nodes", {})
        return Inventory(
            {
                "job": names("query-jobs", "id"),
                "export": names("query-block-exports", "id"),
                "node": frozenset(each["node-name"] for each in self._nodes if each.get("node-name")),
            }
        )

    # Being there

    def _check_alive(self) -> None:
        if self._qmp.lost is None:
            return
        if not self._qmp.hung_up:
            raise ProtocolViolation(self._qmp.lost)
        raise ImplementationCrash(f"the program at {self._address.qmp} hung up", "")

    def submit_command(self, name: str, arguments: Mapping[str, Any]) -> PendingCommand:
        if name == "quit":
            raise CaseSkipped("ends the program, which nobody would start again")
        if name in _REMOVERS and isinstance(arguments.get("id"), str):
            self._added.append((_REMOVERS[name], arguments["id"]))
        return super().submit_command(name, socket_files.outward(self._folder, name, arguments))

    def _take_event(self, name: str, data: dict[str, Any]) -> None:
        if name in _HELD_BACK:
            return
        super()._take_event(name, socket_files.inward(self._folder, data))

    def open_qemu_io(self, node_name: str, *, below: bool = False, terminal: bool = False) -> Console:
        raise CaseSkipped("needs qemu-io of the same build, and a running program does not say where that is")

    # Going

    def close(self) -> None:
        if self._closed:
            return
        problem: str | None = None
        try:
            if self._found is not None and self._qmp.lost is None:
                problem = self._restore(self._found)
        except MirrorcheckError as error:
            problem = str(error)
        finally:
            super().close()
            self._lock.release()
        # An error that is on its way already says more than what follows of it.
        if problem is not None and sys.exception() is None and self._qmp.lost is None:
            raise ImplementationError(f"{self._address.qmp} is not as it was found: {problem}")

    def _restore(self, found: Inventory) -> str | None:
        """Take away all that has been added since; return what could not be."""
        for console in self._consoles:
            console.close()
        self._exports.abort()
        if self._server is not None:
            self._run(self._server.close(), self._hang_limit_s)
        self.wait(lambda: all(pending.done for pending in self._pending), "the replies to the case's last commands")
        self._until(self._end_jobs, "its jobs to end")
        self._until(lambda: self._end_exports(found), "its exports to end")
        for remover in _REMOVERS.values():
            for each, name in reversed(self._added):
                if each == remover:
                    self._try(remover, id=name)
            self._end_nodes(found)
        if self._exports.started_server:
            self._try("nbd-server-stop")
        left = self._take_inventory().beyond(found)
        return f"{', '.join(left)} stayed" if left else None

    def _until(self, step: Callable[[], bool], what: str) -> None:
        """Do something again and again, each time something has happened meanwhile, until it says that it is done.

        :raise ImplementationHang: when that takes too long.
        """

        async def rest() -> None:
            await self._rest()

        limit_s = self._loop.time() + self._hang_limit_s
        while not step():
            self._check_alive()
            if self._loop.time() > limit_s:
                raise ImplementationHang(f"{self._hang_limit_s:g} s passed while waiting for {what}")
            self._run(rest(), self._hang_limit_s)

    def _end_jobs(self) -> bool:
        jobs = self.run_command("query-jobs", {})
        for job in jobs:
            if job["status"] == "concluded":
                self._try("job-dismiss", id=job["id"])
            elif job["status"] not in ("aborting", "null"):
                self._try("job-cancel", id=job["id"])
        return not jobs

    def _end_exports(self, found: Inventory) -> bool:
        exports = self.run_command("query-block-exports", {})
        ours = [export for export in exports if export["id"] not in found.things["export"]]
        for export in ours:
            if not export["shutting-down"]:
                self._try("block-export-del", id=export["id"], mode="hard")
        return not ours

    def _end_nodes(self, found: Inventory) -> None:
        """Delete nodes as long as one can be: one that others use can only go after them."""
        while True:
            nodes = self._take_inventory().things["node"] - found.things["node"]
            gone = [name for name in sorted(nodes) if self._try("blockdev-del", **{"node-name": name})]
            if not gone:
                return

    def _try(self, name: str, **arguments: Any) -> bool:
        """Execute a command; say whether it was accepted."""
        try:
            self.run_command(name, arguments)
        except (ImplementationHang, ImplementationCrash):
            raise
        except ImplementationError:
            self._check_alive()
            return False
        return True


_STORAGE = re.compile(r"socket=(/.*)$")


def _is_left_over(node: Mapping[str, Any]) -> bool:
    """Whether a node is over held storage of a session that is over: its socket is gone."""
    found = _STORAGE.search(node["file"])
    if found is None or node["drv"] != "nbd" or not found[1].endswith(f"/{STORAGE_SOCKET}"):
        return False
    return not os.path.exists(found[1])


class SocketProgram(Implementation):
    """One or several running programs of the same sort, by the addresses of their sockets."""

    restartable = False

    def __init__(self, spec: str, detail: str) -> None:
        """Read where they are; nothing is connected to.

        :raise UsageError: when the spec is malformed.
        """
        if not detail:
            raise UsageError(f"'{spec}' does not say where: {socket_address.USAGE}")
        self.spec = spec
        self._addresses = socket_address.parse(detail)
        self._known: tuple[Probe, bool] | None = None

    def probe(self) -> Probe:
        return self._know()[0]

    def open(self, folder: Path, hang_limit_s: float = HANG_LIMIT_S) -> Session:
        _, late_replies = self._know()
        return self._open(folder, hang_limit_s, late_replies)

    def _open(self, folder: Path, hang_limit_s: float, late_replies: bool) -> SocketSession:
        paths = [address.qmp for address in self._addresses]
        # Who has one already must not wait for another one: somebody may have that and wait for this one.
        is_second = bool(socket_lock.held(paths))
        try:
            lock = socket_lock.acquire(paths, 0 if is_second else QUEUE_LIMIT_S)
        except TimeoutError:
            if is_second:
                raise CaseSkipped("needs another instance beside the first, and no further qmp= is free") from None
            raise ImplementationUnavailable(f"{', '.join(paths)}: in use by others for {QUEUE_LIMIT_S:g} s") from None
        try:
            address = self._addresses[lock.index]
            return SocketSession(address, lock, folder, hang_limit_s, late_replies=late_replies)
        except BaseException:
            lock.release()
            raise

    def _know(self) -> tuple[Probe, bool]:
        """What the programs say of themselves, and whether they leave replies lying; asked once."""
        if self._known is None:
            with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
                session = self._open(Path(folder), HANG_LIMIT_S, False)
                try:
                    probe, version = probe_of(session)
                finally:
                    session.close()
                # Whoever starts the program decides where it runs; files that cases name would be made there.
                program = self._addresses[0].program or program_of(version, probe.features)
                features = probe.features - {"hmp-console", "drive"} | {f"{PROGRAM_FEATURE}{program}"}
                session = self._open(Path(folder), HANG_LIMIT_S, False)
                try:
                    late_replies = finds_replies_lying(session)
                except ImplementationError as error:
                    hint = (
                        "; if it has an NBD server already, say where: nbd=PATH" if "nbd-server" in str(error) else ""
                    )
                    raise ImplementationUnavailable(f"{self.spec} cannot be used: {error}{hint}") from error
                finally:
                    session.close()
            self._known = Probe(probe.version, features), late_replies
        return self._known
