"""Runs cases on a mutant in this very process: thousands of runs, none of which is worth a process of its own.

The verdict is the ordinary judge's. What the ordinary workers add, looking for leftovers and keeping artefacts, is of
no interest for a model of which it is known that something is wrong with it.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from harness import case_run, worker
from harness.cases import Case
from harness.errors import ImplementationHang
from harness.implementations import Implementation
from harness.judge import Judge
from harness.records import RawRun, RunStatus, Verdict
from harness.transcript import Transcript

LIMIT_S = 30.0
"""Of processor time, for one case: a model that runs on without ever waiting can only be stopped from outside."""

SLOW_GROUPS = frozenset({"explored", "sweep", "crash"})
"""Cases that are many runs: columns of their own explore and sweep, and stop at the first thing that they find."""

_PASSING = (Verdict.PASS, Verdict.KNOWN, Verdict.SKIP)


def is_plain(case: Case) -> bool:
    """Whether a case is one run on one bench."""
    return not SLOW_GROUPS & set(case.groups)


@contextmanager
def limited(seconds: float = LIMIT_S) -> Iterator[None]:
    """End what runs inside as a hang when it uses too much of the processor, however long that takes.

    Only in the main thread.

    :raise ImplementationHang: from wherever it was then; an implementation that turns it into a crash is as wrong.
    """

    def too_long(number: int, frame: FrameType | None) -> None:
        raise ImplementationHang(f"it runs on and on: it has worked for {seconds:g} s", [])

    before = signal.signal(signal.SIGPROF, too_long)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


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
