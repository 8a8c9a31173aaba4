"""Kill an implementation at each of its storage requests, and look at what the two disks then hold.

From one request on no disk does anything any more, and the implementation is killed where it stands: a process with
SIGKILL, a model by throwing its coroutines away. What the disks hold is judged by the oracle's rules for that moment.
With a write-back cache every loss of a few unflushed changes is tried as well, on the target too, of which some copy
modes promise something. Then a new instance has to mirror the
source, as it is, to its end.

A request that had not been done when the disks stopped is as if it had never arrived; one that is done in part is not
modelled.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from harness.bench import Bench
from harness.errors import ImplementationError
from harness.faults.plan import Plan
from harness.faults.session import FaultBench, FaultSession, ScenarioOver
from harness.implementations.base import HANG_LIMIT_S, Implementation
from harness.storage import HeldStorage, StorageRequest
from harness.transcript import Transcript

DROPPED_MAX = 2
"""A power cut takes each subset of at most so many unflushed changes, and all of them together."""


class Crash(NamedTuple):
    """What was found after one crash.

    :ivar after_requests: how many requests the disks did before they stopped. :ivar states: how many contents of the
        disks were judged. :ivar problems: what should not be, one line each.
    """

    after_requests: int
    states: int
    problems: tuple[str, ...]


class _StoppingPlan(Plan):
    """Counts the requests of both disks together, and lets none through from a given one on."""

    def __init__(self, stop_at: int | None) -> None:
        super().__init__(None)
        self._stop_at = stop_at

    def _decide(self, role: str, request: StorageRequest) -> int | None:
        decided = super()._decide(role, request)
        if self._stop_at is None or len(self.positions) <= self._stop_at:
            return decided
        self.hits.append(request)
        return 0


class _CrashSession(FaultSession):
    """A session that waits for nothing any more once the disks have stopped.

    A program may then be in a drained section in which it answers nobody; it is going to be killed as it is.
    """

    def settle(self) -> None:
        if self._stepping is None and self.plan.has_fired:
            self.take_events()
        else:
            super().settle()

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        if self._stepping is None and self.plan.has_fired:
            raise ScenarioOver("the disks have stopped")
        super().wait(condition, what)

    def let_time_pass(self) -> None:
        if self._stepping is None and self.plan.has_fired:
            raise ScenarioOver("the disks have stopped")
        super().let_time_pass()


def crashes(
    run: Callable[[Bench], None], implementation: Implementation, hang_limit_s: float = HANG_LIMIT_S
) -> Iterator[Crash]:
    """Run a case once to count its requests, and then crash it at each of them.

    :param run: the case. :raise MirrorcheckError: when it does not pass without a crash.
    """
    features = implementation.probe().features
    count, _ = _perform(run, implementation, features, None, hang_limit_s)
    for stop_at in range(count):
        _, crash = _perform(run, implementation, features, stop_at, hang_limit_s)
        yield crash


def _perform(
    run: Callable[[Bench], None],
    implementation: Implementation,
    features: frozenset[str],
    stop_at: int | None,
    hang_limit_s: float,
) -> tuple[int, Crash]:
    plan = _StoppingPlan(stop_at)
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
        session = _CrashSession(implementation.open(Path(folder), hang_limit_s), plan)
        bench = FaultBench(session, Transcript(), features, Path(folder))
        try:
            try:
                run(bench)
                bench.end()
            except ScenarioOver:
                pass
            except Exception:
                if not plan.has_fired:
                    raise
            session.settle()
            oracles = list(session.oracles)
            session.inner.close()
            problems = [f"the oracle: {violation}" for oracle in oracles for violation in oracle.violations]
            if stop_at is None:
                return len(plan.positions), Crash(0, 0, tuple(problems))
            arguments = session.mirror_arguments
            assert arguments is not None
            states = 1
            (oracle,) = oracles
            oracle.check_all("the crash")
            guest_disk = oracle.guest_disk
            if guest_disk.has_write_back_cache:
                for state in guest_disk.crash_states(DROPPED_MAX):
                    states += 1
                    oracle.check_crash(guest_disk, state.contents, "the crash", len(state.dropped))
            if oracle.target.has_write_back_cache and guest_disk is oracle.source:
                for state in oracle.target.crash_states(DROPPED_MAX):
                    states += 1
                    oracle.check_target_crash(state.contents, "the crash", len(state.dropped))
            problems = [f"the oracle: {violation}" for violation in oracle.violations]
            problems += _mirror_what_is_left(implementation, guest_disk, hang_limit_s)
            return len(plan.positions), Crash(stop_at, states, tuple(problems))
        finally:
            session.close()


def _mirror_what_is_left(implementation: Implementation, left: HeldStorage, hang_limit_s: float) -> list[str]:
    """Let a new instance mirror what the guest's disk holds to a new disk; return what went wrong."""
    source, target = HeldStorage("source", left.size), HeldStorage("target", left.size)
    source.memory = left.memory.copy()
    with tempfile.TemporaryDirectory(prefix="mirrorcheck-") as folder:
        session = implementation.open(Path(folder), hang_limit_s)
        try:
            session.attach("source", source)
            session.attach("target", target)
            session.submit_command(
                "blockdev-mirror", {"job-id": "again", "device": "source", "target": "target", "sync": "full"}
            )
            session.wait(lambda: any(event.name == "BLOCK_JOB_READY" for event in session.events), "READY")
        except ImplementationError as error:
            return [f"after the crash: {error}"]
        finally:
            session.close()
    difference = source.first_difference(target)
    return [] if difference is None else [f"after the crash the new mirror is READY and differs at byte {difference}"]
