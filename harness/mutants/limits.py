"""Ends a mutant that runs on for ever or fills the memory, whatever it is doing."""

from __future__ import annotations

import gc
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from harness.errors import ImplementationCrash, ImplementationHang
from harness.implementations import Implementation, Probe, Session
from harness.implementations.base import HANG_LIMIT_S

LIMIT_S = 30.0
"""Of processor time, for one run: a model that runs on without ever waiting can only be stopped from outside."""

REMINDER_S = 1.0
"""So much later it is ended again, for whoever has made something else of the first time."""

MEMORY_MAX_BYTES = 2 << 30
"""Of address space, beside what the process has: a run needs some MiB, a mutant that copies holes all of its disk."""

RUNS_ON = "it runs on and on"
"""How every text about a model begins that has used too much of the processor."""


@contextmanager
def limited(seconds: float = LIMIT_S, memory_bytes: int = MEMORY_MAX_BYTES) -> Iterator[None]:
    """End what runs inside when it uses too much of the processor, however long that takes, or too much memory.

    Only in the main thread, and not within itself.

    :raise ImplementationHang, ImplementationCrash: from wherever it was then; an implementation that makes something
        else of it is as wrong.
    """

    def too_long(number: int, frame: FrameType | None) -> None:
        raise ImplementationHang(f"{RUNS_ON}: it has worked for {seconds:g} s", [])

    if _memory().resident_bytes > memory_bytes // 4:
        gc.collect()  # the disks of a run before this one, which nobody holds but circles among themselves
    before = signal.signal(signal.SIGPROF, too_long)
    lowest, highest = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _memory().address_space_bytes + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (_least(wanted, lowest, highest), highest))
    signal.setitimer(signal.ITIMER_PROF, seconds, REMINDER_S)
    try:
        yield
    except MemoryError as error:
        raise ImplementationCrash(f"it fills the memory: with {memory_bytes >> 20} MiB more") from error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (lowest, highest))
        signal.signal(signal.SIGPROF, before)


class LimitedRuns(Implementation):
    """An implementation that may work for so long on each of its instances; to be opened within `limited` only.

    :param seconds: of processor time, until the next one is opened.
    """

    def __init__(self, implementation: Implementation, seconds: float = LIMIT_S) -> None:
        self.spec = implementation.spec
        self._implementation = implementation
        self._seconds = seconds

    def probe(self) -> Probe:
        return self._implementation.probe()

    def open(self, folder: Path, hang_limit_s: float = HANG_LIMIT_S) -> Session:
        signal.setitimer(signal.ITIMER_PROF, self._seconds, REMINDER_S)
        return self._implementation.open(folder, hang_limit_s)


class _Memory(NamedTuple):
    address_space_bytes: int
    resident_bytes: int


def _memory() -> _Memory:
    address_space, resident = Path("/proc/self/statm").read_text().split()[:2]
    return _Memory(int(address_space) * resource.getpagesize(), int(resident) * resource.getpagesize())


def _least(wanted: int, *limits: int) -> int:
    return min([wanted, *(limit for limit in limits if limit != resource.RLIM_INFINITY)])
