"""Keeps one worker: forks it, watches it, ends it, and lets nothing survive it. ``python -m harness.keeper``.

Between the supervisor and each worker stands a keeper, because a worker that is killed cannot tidy up after itself,
and because the supervisor may be a stranger's process (pytest, say) that must not become anybody's sub-reaper. A
keeper runs no code of any case; it is small, has one thread, and is the child sub-reaper of everything below it, so
that whatever a dead worker leaves, also what daemonized, comes to it and nowhere else.

It ends when the supervisor closes the connection or is gone: then everything below it is killed and its scratch
folder removed. Forking a worker from it takes about a hundredth of the time that starting one would take.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import os
import select
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import NoReturn

import msgspec

from harness import leftovers, process_tree, processes, worker
from harness.records import RawRun, RunStatus

#: How long a worker over its limit gets to write down its stacks before it is killed without them.
STACKS_LIMIT_S = 5.0

#: How much longer than its limit a case may take, at most, for want of a processor.
STARVATION_S_MAX = 40.0

DEFAULT_RUNNER = "harness.worker:run_on_bench"

#: Loaded before the first fork, so that no worker has to.
PRELOADED = ("harness.case_run", "harness.cases", "harness.transcript")

#: Loaded as well when the first order is for this kind of implementation.
PRELOADED_FOR = {
    "reference": "harness.implementations.reference",
    "qemu-storage-daemon": "harness.implementations.storage_daemon",
    "qemu-system-x86_64": "harness.implementations.qemu_system",
}


_MACHINERY_LINES = (
    *(f'  File "{Path(__file__).with_name(name)}"' for name in ("case_run.py", "keeper.py", "worker.py")),
    '  File "<frozen runpy>"',
    "Extension modules:",
)


class SupervisorGone(Exception):
    """The supervisor closed the connection or has ended: an event, not an error."""


class _Worker:
    """The worker process as its keeper sees it."""

    def __init__(self, pid: int, connection: socket.socket, stacks: int) -> None:
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.connection = connection
        self.lines = _LineReader(connection)
        self._stacks = stacks

    def read_stacks(self) -> str:
        """The stacks that it wrote on SIGUSR1 or a fatal signal, as far as they are the case's; "" without any."""
        size_bytes = os.fstat(self._stacks).st_size
        text = os.pread(self._stacks, size_bytes, 0).decode("utf-8", "backslashreplace")
        return "\n".join(line for line in text.split("\n") if not _is_machinery(line)).strip("\n")

    def dispose(self) -> None:
        self.connection.close()
        os.close(self.pidfd)
        os.close(self._stacks)


def _is_machinery(line: str) -> bool:
    """Whether a line of a dump of stacks is the same in every dump, such as the frames of this file."""
    return line.startswith(_MACHINERY_LINES)


class _LineReader:
    """Takes what a socket has and gives whole lines.

    :ivar ended: the other side will send no more.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = bytearray()
        self.ended = False

    def read(self) -> list[bytes]:
        """The lines that have come since; does not wait."""
        while not self.ended:
            try:
                data = self._connection.recv(1 << 20, socket.MSG_DONTWAIT)
            except BlockingIOError:
                break
            except ConnectionResetError:
                data = b""
            self._buffer += data
            self.ended = not data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        return [bytes(line) for line in lines]


class Keeper:
    """Runs the orders of one supervisor, one after the other, in a worker that it replaces as needed.

    :param control: connection to the supervisor: an `Order` a line in, a `RawRun` a line out, nothing else.
    :param supervisor_pid: the supervisor; its end is noticed even if somebody else holds its end of the connection.
    :param scratch: the scratch folder of this keeper's cases.
    :param runner: what runs an order inside the worker.
    """

    def __init__(self, control: socket.socket, supervisor_pid: int, scratch: Path, runner: worker.Runner) -> None:
        self._control = control
        self._control_lines = _LineReader(control)
        self._supervisor_pidfd = os.pidfd_open(supervisor_pid)
        self._scratch = scratch
        self._runner = runner
        self._worker: _Worker | None = None

    def serve(self) -> None:
        """Run orders until the supervisor is gone; then leave nothing."""
        try:
            while True:
                for line in self._wait_for_orders():
                    order = msgspec.json.decode(line, type=worker.Order)
                    self._control.sendall(msgspec.json.encode(self._run(order)) + b"\n")
        except (SupervisorGone, ConnectionError):
            pass
        finally:
            self._end_worker()
            with contextlib.suppress(OSError):
                # The supervisor removes it too, unless it was killed: then the last keeper does.
                self._scratch.parent.rmdir()

    def _wait_for_orders(self) -> list[bytes]:
        self._poll([self._control.fileno()], None)
        lines = self._control_lines.read()
        if self._control_lines.ended:
            raise SupervisorGone
        return lines

    def _poll(self, descriptors: list[int], deadline_s: float | None) -> set[int]:
        """Wait until one of these has something, or the time has come; the supervisor's end interrupts it."""
        poll = select.poll()
        for descriptor in (*descriptors, self._supervisor_pidfd):
            poll.register(descriptor, select.POLLIN)
        timeout_ms = None if deadline_s is None else max(0.0, (deadline_s - time.monotonic()) * 1000)
        ready = {descriptor for descriptor, _ in poll.poll(timeout_ms)}
        if self._supervisor_pidfd in ready:
            raise SupervisorGone
        return ready

    def _run(self, order: worker.Order) -> RawRun:
        started_s = time.monotonic()
        if self._worker is not None and self._worker.pidfd in self._poll([self._worker.pidfd], 0.0):
            self._end_worker()
        if self._worker is None:
            if self._runner is worker.run_on_bench:
                _preload_for(order.task.implementation)
            self._worker = self._fork_worker()
        current = self._worker
        identity = worker.Begun(version="", features=[])
        starved_s, starved_before_s = 0.0, starvation_s(current.pid)
        with contextlib.suppress(ConnectionError):  # it has ended: seen below
            current.connection.sendall(msgspec.json.encode(order) + b"\n")
        while True:
            watched = [self._control.fileno(), current.pidfd]
            if not current.lines.ended:
                watched.append(current.connection.fileno())
            ready = self._poll(watched, started_s + extended_limit_s(order.limit_s, starved_s))
            if self._control.fileno() in ready:
                raise SupervisorGone  # it has nothing to say while a case runs
            if not ready:
                starved_s = starvation_s(current.pid) - starved_before_s
                if time.monotonic() >= started_s + extended_limit_s(order.limit_s, starved_s):
                    return self._end_overdue(order, current, identity, started_s)
            for line in current.lines.read():
                try:
                    message: worker.Begun | worker.Done = msgspec.json.decode(line, type=worker.Begun | worker.Done)
                except msgspec.DecodeError:
                    reason = f"something in the case wrote on the worker's connection: {line[:80]!r}"
                    return self._end_run(order, identity, started_s, RunStatus.CASE_ERROR, reason, "")
                if isinstance(message, worker.Begun):
                    identity = message
                    continue
                if message.retire:
                    self._end_worker()
                return message.run
            # Asked for before the reading, so that nothing that it said before its end is missed.
            if current.pidfd in ready:
                return self._end_dead(order, current, identity, started_s)

    def _end_overdue(self, order: worker.Order, current: _Worker, identity: worker.Begun, started_s: float) -> RawRun:
        """The limit of time is over: have the stacks written, then end it all."""
        for signal_number in (signal.SIGUSR1, signal.SIGCONT):
            signal.pidfd_send_signal(current.pidfd, signal_number)
        self._poll([current.pidfd], time.monotonic() + STACKS_LIMIT_S)
        detail = current.read_stacks() or "the worker did not answer the request for its stacks"
        reason = f"the case was not over after {order.limit_s:g} s"
        return self._end_run(order, identity, started_s, RunStatus.HANG, reason, detail)

    def _end_dead(self, order: worker.Order, current: _Worker, identity: worker.Begun, started_s: float) -> RawRun:
        """The worker ended in the middle of a case."""
        status = os.waitstatus_to_exitcode(os.waitpid(current.pid, 0)[1])
        reason = f"the worker {processes.describe_status(status)} in the middle of the case"
        return self._end_run(order, identity, started_s, RunStatus.BROKEN, reason, current.read_stacks())

    def _end_run(
        self,
        order: worker.Order,
        identity: worker.Begun,
        started_s: float,
        status: RunStatus,
        reason: str,
        detail: str,
    ) -> RawRun:
        killed = self._end_worker()
        parts = [detail.rstrip("\n")]
        if killed:
            parts.append("killed with it:\n" + "\n".join(f"  {found}" for found in killed))
        parts.extend(worker.output_tails(Path(order.folder)))
        return RawRun(
            case=order.task.case_id,
            implementation=order.task.implementation,
            version=identity.version,
            features=identity.features,
            status=status,
            reason=worker.one_line(reason),
            detail="\n".join(part for part in parts if part),
            duration_s=time.monotonic() - started_s,
            folder=order.folder,
        )

    def _end_worker(self) -> list[process_tree.ProcessInfo]:
        """Kill the worker and everything below it, empty the scratch folder; say what was killed beside the worker."""
        killed = process_tree.kill_descendants(os.getpid())
        current, self._worker = self._worker, None
        shutil.rmtree(self._scratch, ignore_errors=True)
        if current is None:
            return killed
        current.dispose()
        return [found for found in killed if found.pid != current.pid]

    def _fork_worker(self) -> _Worker:
        keeper_pid = os.getpid()
        ours, theirs = socket.socketpair()
        stacks = os.memfd_create("stacks")
        pid = os.fork()
        if pid == 0:
            self._become_worker(keeper_pid, theirs, stacks)
        theirs.close()
        return _Worker(pid, ours, stacks)

    def _become_worker(self, keeper_pid: int, connection: socket.socket, stacks: int) -> NoReturn:
        """The child's side of the fork; never comes back."""
        status = 1
        try:
            processes.die_with_parent(keeper_pid)
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            keep = {0, 1, 2, connection.fileno(), stacks}
            for descriptor in leftovers.open_descriptors().keys() - keep:
                os.close(descriptor)
            worker.serve(connection, stacks, self._scratch, self._runner)
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)


def main(argv: list[str] | None = None) -> int:
    """Keep a worker for the supervisor at the other end of a descriptor, until it is gone."""
    parser = argparse.ArgumentParser(prog="python -m harness.keeper")
    parser.add_argument("--fd", type=int, required=True, help="the connection to the supervisor")
    parser.add_argument("--supervisor", type=int, required=True, metavar="PID")
    parser.add_argument("--scratch", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--runner", default=DEFAULT_RUNNER, metavar="MODULE:FUNCTION", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    # Whoever ends the supervisor ends us; a signal meant for everybody must not end us before we have tidied up.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # An ignored SIGCHLD is inherited, and with it nobody could be waited for.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    processes.become_subreaper()
    runner = _load_runner(arguments.runner)
    with socket.socket(fileno=arguments.fd) as control:
        try:
            Keeper(control, arguments.supervisor, arguments.scratch, runner).serve()
        except ProcessLookupError:
            pass  # the supervisor was gone before we had begun
    return 0


def extended_limit_s(limit_s: float, starved_s: float) -> float:
    """How long a case may take that had no processor for so long."""
    return limit_s + min(starved_s, STARVATION_S_MAX)


def starvation_s(pid: int) -> float:
    """How long a process has been ready to run and had no processor, in seconds; 0 where the kernel does not say.

    On a machine with many times as much work as processors that is most of the time, and no fault of a case.

    Source: proc(5), `schedstat`.
    """
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _preload_for(implementation: str) -> None:
    module_name = PRELOADED_FOR.get(implementation.partition(":")[0], "")
    if module_name:
        importlib.import_module(module_name)
    # What is here before the fork is nobody's garbage, and leaving it alone keeps its pages shared.
    gc.freeze()


def _load_runner(name: str) -> worker.Runner:
    module_name, _, function_name = name.partition(":")
    if name == DEFAULT_RUNNER:
        for preloaded in PRELOADED:
            importlib.import_module(preloaded)
    runner: worker.Runner = getattr(importlib.import_module(module_name), function_name)
    return runner


if __name__ == "__main__":
    sys.exit(main())
