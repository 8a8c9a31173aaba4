"""Runs one case on one implementation: loads its file, opens a session, hands out the bench, closes everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.bench import Bench
from harness.cases import Case
from harness.errors import CaseError, CaseSkipped
from harness.implementations.base import HANG_LIMIT_S, Implementation
from harness.oracle.watch import WatchedSession
from harness.trace import Trace
from harness.transcript import Transcript


def load(case: Case) -> Callable[[Bench], None]:
    """Read a case file and return its ``run``.

    :raise CaseError: when there is no such function.
    :raise Exception: whatever the file raises when it is executed.
    """
    namespace: dict[str, object] = {"__name__": f"case_{case.number:03}", "__file__": str(case.path)}
    exec(compile(case.path.read_bytes(), str(case.path), "exec"), namespace)
    run = namespace.get("run")
    if not callable(run):
        raise CaseError(f"{case.path}: a case file needs a function run(bench)")
    return run


def run_case(
    case: Case,
    implementation: Implementation,
    transcript: Transcript,
    folder: Path,
    hang_limit_s: float = HANG_LIMIT_S,
    trace: Trace | None = None,
) -> None:
    """Run a case; return if it ran to its end. Everything that was opened is closed, however it ends.

    :param folder: where sockets and files may lie while the case runs; nothing of them stays.
    :param trace: follows the session, if given; the transcript must be one that tells it of each line.
    :raise CaseSkipped: naming the features that are needed and not offered.
    :raise MirrorcheckError: as `harness.errors` tells; and whatever the case's own code raises.
    """
    probe = implementation.probe()
    missing = [feature for feature in case.needs if feature not in probe.features]
    if missing:
        raise CaseSkipped(f"needs {' '.join(missing)}, which {implementation.spec} does not offer")
    run = load(case)
    session = implementation.open(folder, hang_limit_s)
    if trace is not None:
        trace.follow(session)
    try:
        # Every mirror of every case is under the oracle's eyes; what it finds ends the case as wrong.
        bench = Bench(WatchedSession(session), transcript, probe.features, folder, implementation)
        try:
            run(bench)
            bench.end()
        finally:
            bench.remove_files()
    finally:
        session.close()
        if trace is not None:
            trace.finish()
