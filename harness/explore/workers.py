"""Worker processes that repeat schedules on a real program, several at a time."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harness import processes
from harness.explore.occurrences import ScriptStep
from harness.explore.scenario import Scenario
from harness.explore.versus import Repeated, repeat
from harness.implementations import parse

LIVELOCK_LIMIT_S = 10.0
"""A program that has work to do for so long, in a scenario of a few requests, goes round for ever."""


class Workers:
    """So many workers; entering starts them, leaving ends them.

    :param spec: of the program. :param jobs: how many, from 1 on.
    """

    def __init__(self, spec: str, jobs: int) -> None:
        self._spec = spec
        self._jobs = jobs
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        # The worker's program is found out about once, here, and the workers know it by being forked.
        parse(self._spec).probe()
        self._folder = tempfile.TemporaryDirectory(prefix="mirrorcheck-")
        self._pool = ProcessPoolExecutor(
            self._jobs, get_context("fork"), _begin, (os.getpid(), self._spec, self._folder.name)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._pool is not None
        assert self._folder is not None
        self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()

    @property
    def width(self) -> int:
        """One more for each worker than it can do at a time, so that none waits for the model."""
        return 2 * self._jobs

    def repeat(
        self, scenario: Scenario, script: Sequence[ScriptStep], outcome: tuple[Any, ...] | None
    ) -> Future[Repeated]:
        """Have some worker repeat it."""
        assert self._pool is not None
        return self._pool.submit(_repeat, scenario, list(script), outcome)


class _Worker:
    """What this process is for, if it is a worker."""

    spec = ""
    folder = Path()


def _begin(parent_pid: int, spec: str, folder: str) -> None:
    """In a new worker: Ctrl-C is for the one who started it, without whom it has nothing to do."""
    processes.die_with_parent(parent_pid)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _Worker.spec = spec
    _Worker.folder = Path(folder) / str(os.getpid())
    _Worker.folder.mkdir()


def _repeat(scenario: Scenario, script: list[ScriptStep], outcome: tuple[Any, ...] | None) -> Repeated:
    implementation = parse(_Worker.spec)
    return repeat(lambda: implementation.open(_Worker.folder, LIVELOCK_LIMIT_S), scenario, script, outcome)
