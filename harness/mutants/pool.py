"""Does one thing for each of many mutants, a few at a time, each in a forked process of its own.

A mutant may run on for ever or eat memory; and what is loaded once need not be loaded again.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import connection, get_context
from multiprocessing.context import ForkProcess
from typing import TypeVar

from harness import processes
from harness.errors import MirrorcheckError

Answer = TypeVar("Answer")


def in_processes(names: Sequence[str], work: Callable[[str], Answer], jobs: int) -> Iterator[tuple[str, Answer | str]]:
    """Call `work` with each name, `jobs` at a time; what it returns comes as it is done.

    Whoever stops early (Ctrl-C, too) ends what is still under way.

    :param work: what it returns must be no string.
    :return: with each name what came of it, or a line that says why nothing did.
    """
    context = get_context("fork")
    waiting = list(reversed(names))
    running: dict[connection.Connection, tuple[str, ForkProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                name = waiting.pop()
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_serve, args=(name, work, theirs, os.getpid()))
                process.start()
                theirs.close()
                running[ours] = name, process
            for ready in connection.wait(list(running)):
                assert isinstance(ready, connection.Connection)
                name, process = running[ready]
                answer: Answer | str | None
                try:
                    answer = ready.recv()
                except EOFError:
                    answer = None
                process.join()
                del running[ready]
                ready.close()
                if answer is None:
                    answer = f"its process {processes.describe_status(process.exitcode or 0)}"
                yield name, answer
    finally:
        for each, (_, process) in running.items():
            process.kill()
            process.join()
            each.close()


def _serve(name: str, work: Callable[[str], Answer], answers: connection.Connection, parent_pid: int) -> None:
    processes.die_with_parent(parent_pid)
    processes.become_subreaper()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at the terminal is for whoever prints what comes
    with open(os.devnull, "r+b") as nowhere:
        for number in (0, 1, 2):  # what a case prints by itself is no answer
            os.dup2(nowhere.fileno(), number)
    try:
        answers.send(work(name))
    except MirrorcheckError as error:
        answers.send(f"{type(error).__name__}: {error}")
    answers.close()
