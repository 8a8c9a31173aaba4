"""Does one thing for each of many names, a few at a time, each in a forked process of its own.

A mutant may run on for ever or eat memory, scenarios keep a processor each busy, and what is loaded once need not be
loaded again.
"""

from __future__ import annotations

import os
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from multiprocessing import connection, get_context
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import Generic, NamedTuple, NoReturn, TypeVar

from harness import processes
from harness.errors import MirrorcheckError

Answer = TypeVar("Answer")


class Unanswered(NamedTuple):
    """Why a process gave no answer.

    :ivar reason: a line. :ivar detail: the traceback, if nobody raised that on purpose; else empty.
    :ivar error: what was raised on purpose, if anything was.
    """

    reason: str
    detail: str = ""
    error: MirrorcheckError | None = None


INTERRUPTED = Unanswered("interrupted")


def in_processes(
    names: Sequence[str], work: Callable[[str], Answer], jobs: int, *, lets_finish: bool = False
) -> Iterator[tuple[str, Answer | Unanswered]]:
    """Call `work` with each name, `jobs` at a time; what it returns comes as it is done.

    Whoever stops early ends what is still under way. So does Ctrl-C, at once or, with `lets_finish`, by interrupting
    each process and waiting for what it has to say; either way `KeyboardInterrupt` is raised then. Only in the main
    thread.

    :return: with each name what came of it, or why nothing did.
    """
    # What a process that is killed leaves in its temporary folder goes with ours.
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
        pool = _Pool(work, jobs, folder, lets_finish=lets_finish)
        try:
            with _forwarded(pool) if lets_finish else nullcontext():
                yield from pool.answers(names)
        finally:
            pool.kill()
    if pool.is_interrupted:
        raise KeyboardInterrupt


@contextmanager
def _forwarded(pool: _Pool[Answer]) -> Iterator[None]:
    """Pass Ctrl-C on to the processes of a pool instead of being interrupted, unless it is ignored."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        yield
        return
    signal.signal(signal.SIGINT, pool.interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Pool(Generic[Answer]):
    """The processes that are under way.

    :param folder: where they have their temporary files.
    :ivar is_interrupted: whether no more are begun.
    """

    def __init__(self, work: Callable[[str], Answer], jobs: int, folder: str, *, lets_finish: bool) -> None:
        self._work = work
        self._jobs = jobs
        self._folder = folder
        self._lets_finish = lets_finish
        self._running: dict[connection.Connection, tuple[str, ForkProcess]] = {}
        self.is_interrupted = False

    def answers(self, names: Sequence[str]) -> Iterator[tuple[str, Answer | Unanswered]]:
        waiting = list(reversed(names))
        while self._running or (waiting and not self.is_interrupted):
            while waiting and len(self._running) < self._jobs and not self.is_interrupted:
                self._begin(waiting.pop())
            for ready in connection.wait(list(self._running)):
                assert isinstance(ready, connection.Connection)
                yield self._end(ready)

    def _begin(self, name: str) -> None:
        context = get_context("fork")
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(
            target=_serve,
            args=(name, self._work, theirs, os.getpid(), self._folder),
            kwargs={"lets_finish": self._lets_finish},
        )
        # Neither side misses an interrupt: the new process has its own way to take it, and we know of the process.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            process.start()
            self._running[ours] = name, process
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        theirs.close()

    def _end(self, ready: connection.Connection) -> tuple[str, Answer | Unanswered]:
        name, process = self._running.pop(ready)
        answer: Answer | Unanswered | None
        try:
            answer = ready.recv()
        except EOFError:
            answer = None
        process.join()
        ready.close()
        if answer is None:
            answer = Unanswered(f"its process {processes.describe_status(process.exitcode or 0)}")
        return name, answer

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Begin no more, and ask those under way to come to an end."""
        self.is_interrupted = True
        for _, process in self._running.values():
            if process.pid is not None:
                os.kill(process.pid, signal.SIGINT)  # it is ours to wait for, so the number is nobody else's

    def kill(self) -> None:
        """End what is still under way."""
        for ours, (_, process) in self._running.items():
            process.kill()
            process.join()
            ours.close()
        self._running.clear()


def _serve(
    name: str,
    work: Callable[[str], Answer],
    answers: connection.Connection,
    parent_pid: int,
    folder: str,
    *,
    lets_finish: bool,
) -> None:
    processes.die_with_parent(parent_pid)
    processes.become_subreaper()
    tempfile.tempdir = folder
    ignores = not lets_finish or signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    with open(os.devnull, "r+b") as nowhere:
        for number in (0, 1, 2):  # what a case prints by itself is no answer
            os.dup2(nowhere.fileno(), number)
    answer: Answer | Unanswered
    try:
        # Without `lets_finish` Ctrl-C at the terminal is for whoever prints what comes.
        signal.signal(signal.SIGINT, signal.SIG_IGN if ignores else _interrupt_once)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        answer = work(name)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        answer = INTERRUPTED
    except MirrorcheckError as error:
        answer = Unanswered(f"{type(error).__name__}: {error}", error=error)
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        answer = Unanswered(reason, "".join(traceback.format_exception(error)))
    answers.send(answer)
    answers.close()


def _interrupt_once(number: int, frame: FrameType | None) -> NoReturn:
    """The terminal tells everybody, and whoever started us does, too: once is enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
