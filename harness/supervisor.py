"""Runs many cases at once, each in a worker of its own kind of isolation, and gives back what happened.

The supervisor only distributes: each of its ``jobs`` keepers (``harness.keeper``) runs one case after the other,
enforces the limit of time and tidies up. So one bad case costs one result, never the run, and when the supervisor
goes, however it goes, everything below it goes.

It waits for events only: an answer or the end of a keeper.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

import msgspec

from harness import keeper, processes, results, worker
from harness.errors import HarnessBug
from harness.records import RawRun, RunStatus, Task

DEFAULT_LIMIT_S = 180.0

#: What a keeper may need beyond a case's limit to end everything; a keeper that needs more is itself stuck.
KEEPER_LIMIT_S = 60.0

#: How long keepers get to tidy up when the supervisor closes.
CLOSE_LIMIT_S = 30.0

#: Signals that end a run as Ctrl-C does: in order, with nothing left.
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class _Slot:
    """One keeper, and the task that it runs, if any."""

    def __init__(self, number: int, scratch_root: Path, runner: str) -> None:
        self.number = number
        self.task: Task | None = None
        self.folder = Path()
        self.deadline_s = 0.0
        self.started_s = 0.0
        ours, theirs = socket.socketpair()
        self.connection = ours
        self._buffer = bytearray()
        self._stderr = os.memfd_create("keeper-stderr")
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", keeper.__name__, "--fd", str(theirs.fileno())),
                    *("--supervisor", str(os.getpid()), "--scratch", str(scratch_root / f"w{number}")),
                    *("--runner", runner),
                ],
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
                pass_fds=[theirs.fileno()],
                # Ctrl-C at the terminal is for the supervisor, which then sees to the rest.
                start_new_session=True,
                env=_environment(),
            )
        self._pidfd = os.pidfd_open(self._process.pid)

    def send(self, order: worker.Order) -> None:
        """Hand out a task. A keeper that has ended is noticed when its answer is read."""
        self.task = order.task
        self.folder = Path(order.folder)
        self.started_s = time.monotonic()
        self.deadline_s = self.started_s + order.limit_s + KEEPER_LIMIT_S
        with contextlib.suppress(ConnectionError):
            self.connection.sendall(msgspec.json.encode(order) + b"\n")

    def receive(self) -> RawRun | None:
        """Take what has come: the answer if it is whole, None if more must come.

        :raise EOFError: when the keeper will say no more.
        """
        try:
            data = self.connection.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError
        self._buffer += data
        line, end, rest = self._buffer.partition(b"\n")
        if not end:
            return None
        self._buffer = rest
        return msgspec.json.decode(bytes(line), type=RawRun)

    def hang_up(self) -> None:
        """Tell the keeper to end; it takes everything below it along."""
        self.connection.close()

    def join(self, limit_s: float) -> tuple[int, str]:
        """Wait for the keeper's end, killing it when it takes too long.

        :return: how it ended and what it wrote to stderr.
        """
        selector = selectors.DefaultSelector()
        with selector:
            selector.register(self._pidfd, selectors.EVENT_READ)
            if not selector.select(limit_s):
                self._process.kill()
        status = self._process.wait()
        text = os.pread(self._stderr, 1 << 20, 0).decode("utf-8", "backslashreplace")
        os.close(self._pidfd)
        os.close(self._stderr)
        return status, text

    @property
    def has_ended(self) -> bool:
        """Whether the keeper's process is over."""
        return self._process.poll() is not None


class Supervisor:
    """A context manager that runs tasks; leaving it ends and removes everything that it started.

    While it is entered (in the main thread), SIGTERM and SIGHUP act as Ctrl-C does: they raise KeyboardInterrupt.

    :param jobs: how many cases run at the same time, 1 or more. Keepers are started when they are first needed.
    :param limit_s: how long one case may take, more than 0; None in no case.
    :param results: where the artefact folders go; made when needed.
    :param durations_s: how long a case took before, by (implementation, case id); the longest begin first, and
        before these the unknown ones, because a long case begun last makes everybody wait.
    :param runner: for tests of the harness: ``module:function`` that runs an order in the worker.
    """

    def __init__(
        self,
        *,
        jobs: int,
        limit_s: float = DEFAULT_LIMIT_S,
        results: Path,
        durations_s: Mapping[tuple[str, str], float] | None = None,
        runner: str = keeper.DEFAULT_RUNNER,
    ) -> None:
        if jobs < 1:
            raise HarnessBug(f"{jobs} jobs cannot run anything")
        if limit_s <= 0:
            raise HarnessBug(f"a limit of {limit_s:g} s leaves no time")
        self._jobs = jobs
        self._limit_s = limit_s
        self._results = results.absolute()
        self._durations_s = durations_s or {}
        self._runner = runner
        self._slots: dict[int, _Slot] = {}
        self._selector = selectors.DefaultSelector()
        self._scratch_root: Path | None = None
        self._previous_handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _ENDING_SIGNALS:
                if signal.getsignal(number) is signal.SIG_IGN:
                    continue  # as nohup(1) wants it
                self._previous_handlers[number] = signal.signal(number, _interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def run(self, tasks: Sequence[Task]) -> Iterator[RawRun]:
        """Run tasks and yield each result as soon as it is there.

        A broken case, worker or keeper gives a result like any other; nothing of that is raised here.

        :raise UsageError: when the results cannot be written.
        :raise KeyboardInterrupt: on Ctrl-C, SIGTERM or SIGHUP; nothing is yielded after it.
        """
        for _, run in self._run(tasks):
            yield run

    def run_in_order(self, tasks: Sequence[Task]) -> Iterator[RawRun]:
        """Run tasks as `run` does, but yield the results in the order of the tasks."""
        early: dict[int, RawRun] = {}
        expected = 0
        for index, run in self._run(tasks):
            early[index] = run
            while expected in early:
                yield early.pop(expected)
                expected += 1

    def _run(self, tasks: Sequence[Task]) -> Iterator[tuple[int, RawRun]]:
        waiting = deque(self._longest_first(tasks))
        running: dict[int, int] = {}  # index of the task by slot number
        try:
            while waiting or running:
                while waiting and len(running) < self._jobs:
                    index = waiting.popleft()
                    number = min(number for number in range(self._jobs) if number not in running)
                    running[number] = index
                    self._hand_out(number, tasks[index])
                for number, run in self._wait():
                    yield running.pop(number), run
        finally:
            # Whoever stops asking for results does not want the rest to go on.
            for number in running:
                if number in self._slots:
                    self._drop(number)

    def _longest_first(self, tasks: Sequence[Task]) -> list[int]:
        def expected_s(index: int) -> float:
            task = tasks[index]
            return self._durations_s.get((task.implementation, task.case_id), float("inf"))

        if not self._durations_s:
            return list(range(len(tasks)))
        return sorted(range(len(tasks)), key=lambda index: (-expected_s(index), index))

    def _hand_out(self, number: int, task: Task) -> None:
        folder = results.make_artefact_folder(self._results, task.implementation, task.case_id)
        if number in self._slots and self._slots[number].has_ended:
            self._drop(number)
        if number not in self._slots:
            if self._scratch_root is None:
                self._scratch_root = results.make_scratch_root()
            slot = self._slots[number] = _Slot(number, self._scratch_root, self._runner)
            self._selector.register(slot.connection, selectors.EVENT_READ, slot)
        self._slots[number].send(worker.Order(task=task, folder=str(folder), limit_s=self._limit_s))

    def _wait(self) -> list[tuple[int, RawRun]]:
        """Wait until at least something has happened; the results, by slot number, that this gave."""
        busy = [slot for slot in self._slots.values() if slot.task is not None]
        timeout_s = max(0.0, min(slot.deadline_s for slot in busy) - time.monotonic())
        finished: list[tuple[int, RawRun]] = []
        for key, _ in self._selector.select(timeout_s):
            slot: _Slot = key.data
            try:
                run = slot.receive()
            except (EOFError, msgspec.DecodeError):
                run = self._end_keeper(slot, "")
            if run is not None:
                slot.task = None
                finished.append((slot.number, _with_transcript(run)))
        for slot in busy:
            if slot.task is not None and time.monotonic() > slot.deadline_s:
                run = self._end_keeper(
                    slot, f"the keeper did not end the case within {KEEPER_LIMIT_S:g} s of its limit"
                )
                if run is not None:
                    finished.append((slot.number, _with_transcript(run)))
        return finished

    def _end_keeper(self, slot: _Slot, reason: str) -> RawRun | None:
        """Get rid of a keeper that failed; the result of its task, if it had one."""
        task, slot.task = slot.task, None
        status, text = self._drop(slot.number)
        if task is None:
            return None
        return RawRun(
            case=task.case_id,
            implementation=task.implementation,
            status=RunStatus.BROKEN,
            reason=reason or f"the worker's keeper {processes.describe_status(status)} in the middle of the case",
            detail=text.rstrip("\n"),
            duration_s=time.monotonic() - slot.started_s,
            folder=str(slot.folder),
        )

    def _drop(self, number: int) -> tuple[int, str]:
        slot = self._slots.pop(number)
        self._selector.unregister(slot.connection)
        slot.hang_up()
        return slot.join(CLOSE_LIMIT_S)

    def close(self) -> None:
        """End every case that still runs and remove everything temporary. May be called twice."""
        in_main_thread = threading.current_thread() is threading.main_thread()
        # A second Ctrl-C must not interrupt the tidying up, which takes milliseconds.
        previous_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN) if in_main_thread else None
        try:
            slots, self._slots = list(self._slots.values()), {}
            for slot in slots:  # first all, then wait: they end at the same time
                self._selector.unregister(slot.connection)
                slot.hang_up()
            for slot in slots:
                slot.join(CLOSE_LIMIT_S)
            self._selector.close()
            if self._scratch_root is not None:
                shutil.rmtree(self._scratch_root, ignore_errors=True)
                self._scratch_root = None
        finally:
            if in_main_thread:
                signal.signal(signal.SIGINT, previous_interrupt)
                for number, handler in self._previous_handlers.items():
                    signal.signal(number, signal.SIG_DFL if handler is None else handler)
                self._previous_handlers.clear()


def _environment() -> dict[str, str]:
    """The environment in which a keeper finds this very harness, whatever else is installed."""
    folder = Path(__file__).resolve().parent.parent
    if folder.name in ("site-packages", "dist-packages"):
        return dict(os.environ)  # found anyway, and to put it first would let it hide the standard library
    search_path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": search_path}


def _with_transcript(run: RawRun) -> RawRun:
    return msgspec.structs.replace(run, transcript=results.read_transcript(Path(run.folder)))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)
