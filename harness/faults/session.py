"""Between the bench and the implementation: gives the job its policy, and ends a case that waits in vain.

A case is written for a world without faults. With one in it, the case may wait for an event that will never come. So
every wait looks, whenever the implementation is at rest, whether anything can still come of its own accord; if not, the
case is over, and what must hold after it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.bench import Bench
from harness.disk import Disk
from harness.errors import ImplementationHang
from harness.faults.plan import Plan
from harness.implementations.base import PendingCommand, PendingRequest, Session
from harness.oracle.watch import WatchedSession
from harness.storage import HeldStorage

PASSES_OF_TIME_MAX = 64
"""How often a case may let time pass after the fault: much more than any needs, and enough to see a job end."""


_POLICY_ARGUMENTS = ("on-source-error", "on-target-error")


class ScenarioOver(Exception):
    """The case cannot go on with the fault in it; the text says why."""


class FaultSession(WatchedSession):
    """A watched session in which one thing goes wrong.

    :ivar mirror_arguments: what the first mirror was started with, the policy included; None before it was.
    :ivar guest_errors: the errnos that guests were answered since the mirror was started.
    """

    def __init__(self, inner: Session, plan: Plan) -> None:
        super().__init__(inner, raises=False)
        self.plan = plan
        self.disks: dict[str, HeldStorage] = {}
        self.mirror_arguments: dict[str, Any] | None = None
        self.guest_errors: list[int] = []
        self._passes_of_time = 0

    def attach(self, name: str, storage: HeldStorage, *, read_only: bool = False, unmap: bool = False) -> None:
        super().attach(name, storage, read_only=read_only, unmap=unmap)
        self.disks[name] = storage

    def submit_command(self, name: str, arguments: Mapping[str, Any]) -> PendingCommand:
        if name == "blockdev-mirror" and self.mirror_arguments is None:
            source, target = self.disks.get(arguments["device"]), self.disks.get(arguments["target"])
            if source is not None and target is not None:
                fault = self.plan.fault
                policy = {} if fault is None else {"on-source-error": fault.policy, "on-target-error": fault.policy}
                arguments = self.mirror_arguments = dict(arguments) | policy
                self.plan.begin(source, target)
        if name == "job-change" and self.plan.fault is not None:
            arguments = {key: value for key, value in arguments.items() if key not in _POLICY_ARGUMENTS}
        return super().submit_command(name, arguments)

    def guest_is_answered(self, node_name: str, request: PendingRequest, errno: int, data: bytes | None) -> None:
        super().guest_is_answered(node_name, request, errno, data)
        if errno and self.mirror_arguments is not None:
            self.guest_errors.append(errno)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        holds = False

        def look() -> bool:
            # A condition may be one that looks at each event once, so it is not asked again once it held.
            nonlocal holds
            holds = holds or condition()
            return holds

        if not self._is_faulty():
            super().wait(lambda: look() or self._is_faulty(), what)
        while not look() and self._is_faulty():
            self.settle()
            if look():
                return
            self._end_if_in_vain(what)
            self.let_time_pass()

    def let_time_pass(self) -> None:
        if self._is_faulty():
            self._passes_of_time += 1
            if self._passes_of_time > PASSES_OF_TIME_MAX:
                raise ScenarioOver("time passes and nothing comes of it")
        try:
            super().let_time_pass()
        except ImplementationHang as hang:
            if not self._is_faulty():
                raise
            raise ScenarioOver(str(hang)) from hang

    @property
    def storage_is_busy(self) -> bool:
        """Whether a disk has a request without an answer."""
        return any(disk.held for disk in self.disks.values())

    def _is_faulty(self) -> bool:
        return self.plan.has_fired and not self.plan.is_healed

    def _end_if_in_vain(self, what: str) -> None:
        """Called at rest."""
        if self.plan.holds_something:
            raise ScenarioOver(f"a request has no answer while the case waits for {what}")
        if self.last_action() == "stop":
            raise ScenarioOver(f"the job has stopped while the case waits for {what}")
        if self.jobs and all(job.is_over for job in self.jobs):
            raise ScenarioOver(f"the job is over while the case waits for {what}")

    def last_action(self) -> str:
        """What the job did about its last error, unless it was resumed since; empty when it met none."""
        action = ""
        for event in self.events:
            if event.name == "BLOCK_JOB_ERROR":
                action = event.data["action"]
            elif event.name == "JOB_STATUS_CHANGE" and event.data["status"] in ("running", "ready"):
                action = "" if action == "stop" else action
        return action


class FaultBench(Bench):
    """A bench whose comparisons end nothing once the fault has fired: the oracle judges then."""

    def require_equal(self, one: Disk, other: Disk) -> None:
        if self.session.plan.has_fired:  # type: ignore[attr-defined]
            self.compare(one, other)
        else:
            super().require_equal(one, other)
