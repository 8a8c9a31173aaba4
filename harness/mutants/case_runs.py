"""Runs cases on a mutant in this very process: thousands of runs, none of which is worth a process of its own.

The verdict is the ordinary judge's. What the ordinary workers add, looking for leftovers and keeping artefacts, is of
no interest for a model of which it is known that something is wrong with it.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from harness import case_run, worker
from harness.cases import Case
from harness.errors import ImplementationCrash, ImplementationHang
from harness.implementations import Implementation
from harness.judge import Judge
from harness.records import RawRun, RunStatus, Verdict
from harness.transcript import Transcript

LIMIT_S = 30.0
"""Of processor time, for one case: a model that runs on without ever waiting can only be stopped from outside."""

MEMORY_MAX_BYTES = 2 << 30
"""Of address space, beside what the process has: a case needs some MiB, a mutant that copies holes all of its disk."""

SLOW_GROUPS = frozenset({"explored", "sweep", "crash"})
"""Cases that are many runs: columns of their own explore and sweep, and stop at the first thing that they find."""

_PASSING = (Verdict.PASS, Verdict.KNOWN, Verdict.SKIP)


def is_plain(case: Case) -> bool:
    """Whether a case is one run on one bench."""
    return not SLOW_GROUPS & set(case.groups)


@contextmanager
def limited(seconds: float = LIMIT_S, memory_bytes: int = MEMORY_MAX_BYTES) -> Iterator[None]:
    """End what runs inside when it uses too much of the processor, however long that takes, or too much memory.

    Only in the main thread.

    :raise ImplementationHang, ImplementationCrash: from wherever it was then; an implementation that makes something
        else of it is as wrong.
    """

    def too_long(number: int, frame: FrameType | None) -> None:
        raise ImplementationHang(f"it runs on and on: it has worked for {seconds:g} s", [])

    if _memory().resident_bytes > memory_bytes // 4:
        gc.collect()  # the disks of a run before this one, which nobody holds but circles among themselves
    before = signal.signal(signal.SIGPROF, too_long)
    lowest, highest = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _memory().address_space_bytes + memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (_least(wanted, lowest, highest), highest))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    except MemoryError as error:
        raise ImplementationCrash(f"it fills the memory: with {memory_bytes >> 20} MiB more") from error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, (lowest, highest))
        signal.signal(signal.SIGPROF, before)


class _Memory(NamedTuple):
    address_space_bytes: int
    resident_bytes: int


def _memory() -> _Memory:
    address_space, resident = Path("/proc/self/statm").read_text().split()[:2]
    return _Memory(int(address_space) * resource.getpagesize(), int(resident) * resource.getpagesize())


def _least(wanted: int, *limits: int) -> int:
    return min([wanted, *(limit for limit in limits if limit != resource.RLIM_INFINITY)])


def reason_to_fail(case: Case, implementation: Implementation, judge: Judge) -> str | None:
    """Run a case; return why it fails, None when it passes or cannot be run."""
    probe = implementation.probe()
    transcript = Transcript()
    status, reason = RunStatus.COMPLETED, ""
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as name:
        folder = Path(name)
        before = Path.cwd()
        os.chdir(folder)  # as in an ordinary worker: a case may make files where it stands
        try:
            with limited():
                case_run.run_case(case, implementation, transcript, folder)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            status, reason, _ = worker.classify(error, str(case.path))
        finally:
            os.chdir(before)
    run = RawRun(
        case=case.id,
        implementation=implementation.spec,
        version=probe.version,
        features=sorted(probe.features),
        status=status,
        reason=reason,
        transcript=transcript.text(),
    )
    record = judge.judge(run)
    return None if record.verdict in _PASSING else record.reason


def failing_cases(cases: Iterable[Case], implementation: Implementation, judge: Judge) -> list[str]:
    """The ids of the cases that fail, in order."""
    return [case.id for case in cases if reason_to_fail(case, implementation, judge) is not None]
