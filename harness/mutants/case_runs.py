"""Runs cases on a mutant in this very process: thousands of runs, none of which is worth a process of its own.

The verdict is the ordinary judge's. What the ordinary workers add, looking for leftovers and keeping artefacts, is of
no interest for a model of which it is known that something is wrong with it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from harness import case_run, worker
from harness.cases import Case
from harness.implementations import Implementation
from harness.judge import Judge
from harness.mutants.limits import LIMIT_S, RUNS_ON, limited
from harness.records import RawRun, RunStatus, Verdict
from harness.transcript import Transcript

IMPATIENT_LIMIT_S = 5.0
"""Instead of `LIMIT_S`, once a mutant has run on in some case: it does so in others, and no plain case needs half."""

SLOW_GROUPS = frozenset({"explored", "sweep", "crash"})
"""Cases that are many runs: columns of their own explore and sweep, and stop at the first thing that they find."""

_PASSING = (Verdict.PASS, Verdict.KNOWN, Verdict.SKIP)


def is_plain(case: Case) -> bool:
    """Whether a case is one run on one bench."""
    return not SLOW_GROUPS & set(case.groups)


def reason_to_fail(case: Case, implementation: Implementation, judge: Judge, limit_s: float = LIMIT_S) -> str | None:
    """Run a case; return why it fails, None when it passes or cannot be run."""
    probe = implementation.probe()
    transcript = Transcript()
    status, reason = RunStatus.COMPLETED, ""
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as name:
        folder = Path(name)
        before = Path.cwd()
        os.chdir(folder)  # as in an ordinary worker: a case may make files where it stands
        try:
            with limited(limit_s):
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
    failing = []
    limit_s = LIMIT_S
    for case in cases:
        reason = reason_to_fail(case, implementation, judge, limit_s)
        if reason is not None:
            failing.append(case.id)
            if RUNS_ON in reason:
                limit_s = IMPATIENT_LIMIT_S
    return failing
