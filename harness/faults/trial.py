"""One run of a case with one fault in it, and everything that must hold afterwards.

1. Nothing that a guest was told is done is lost: the oracle's rules, all the way.
2. Whoever asked is told: a request of the job as BLOCK_JOB_ERROR, a guest's as an error of its own request.
3. The job does what its policy says: ends with the error's text, stops and says so in `io-status`, or goes on.
4. A job that is there can be cancelled by force, and is over once its requests have their answers.
5. Once the fault is gone, source and target become equal, through the same job or, if that is over, a new one.

Source: QE-10 to QE-17, D5, C29, BF-15, BF-17, BF-18.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from harness.bench import Bench
from harness.errors import CaseError, ImplementationError, MirrorcheckError
from harness.faults.fault import Ending, Error, Fault
from harness.faults.plan import Plan
from harness.faults.session import FaultBench, FaultSession, ScenarioOver
from harness.implementations.base import HANG_LIMIT_S, Event, Implementation
from harness.storage import HeldStorage, Operation
from harness.transcript import Transcript

AGAIN = "again"
"""The job, and the disk, with which a source is mirrored once more when the job of the case is over."""


class Outcome(NamedTuple):
    """What came of a run.

    :ivar effect: who noticed what, one of a few phrases. :ivar problems: what should not be, one line each.
    :ivar positions: for the run without a fault, its requests.
    """

    effect: str
    problems: tuple[str, ...]
    positions: tuple[Any, ...] = ()


class Trial:
    """One run.

    :param run: the case. :param fault: None for the run that only counts.
    """

    def __init__(
        self,
        run: Callable[[Bench], None],
        implementation: Implementation,
        features: frozenset[str],
        folder: Path,
        fault: Fault | None,
        hang_limit_s: float = HANG_LIMIT_S,
    ) -> None:
        self._run = run
        self._fault = fault
        self._plan = Plan(fault)
        self._session = FaultSession(implementation.open(folder, hang_limit_s), self._plan)
        self._bench = FaultBench(self._session, Transcript(), features, folder)
        self._problems: list[str] = []

    def perform(self) -> Outcome:
        """Run the case and look at what it leaves.

        :raise MirrorcheckError: what the case raises before the fault has fired: it does not pass without one either.
        """
        try:
            effect = self._perform()
        finally:
            self._session.close()
        return Outcome(effect, tuple(self._problems), tuple(self._plan.positions))

    def _perform(self) -> str:
        try:
            self._run(self._bench)
            self._bench.end()
        except ScenarioOver:
            pass
        except Exception as error:
            # Under another policy a fault of the case's own may have ended it before it came to this one.
            if not self._plan.has_fired and not (self._fault is not None and self._plan.has_others):
                raise
            if isinstance(error, MirrorcheckError) and not isinstance(error, CaseError):
                self._note_error(error)
        oracles = list(self._session.oracles)
        effect = "not reached"
        if self._plan.has_fired:
            try:
                effect = self._look_at_the_fault()
                self._end()
            except ScenarioOver as over:
                self._problems.append(f"after the fault: {over}")
            except ImplementationError as error:
                self._problems.append(f"after the fault: {error}")
        elif self._fault is None and self._session.mirror_arguments is None:
            raise CaseError("it starts no blockdev-mirror of one disk to another, so there is nothing to sweep")
        for oracle in [*oracles, *(each for each in self._session.oracles if each not in oracles)]:
            self._problems += [f"the oracle: {violation}" for violation in oracle.violations]
        return effect

    def _note_error(self, error: MirrorcheckError) -> None:
        # What a case expected of a world without faults is no claim about this one; that nothing crashes is.
        if type(error).__name__ in ("ImplementationCrash", "ProtocolViolation"):
            self._problems.append(f"{type(error).__name__}: {error}")

    # Who noticed

    def _look_at_the_fault(self) -> str:
        self._session.settle()
        fault = self._fault
        assert fault is not None
        errors = self._events("BLOCK_JOB_ERROR")
        failed = [request for request in self._plan.hits if request.errno]
        if self._plan.has_others:
            return "among others"  # whose error an event is about cannot be told; data must not be lost all the same
        if not failed:
            if errors:
                self._problems.append(f"BLOCK_JOB_ERROR {errors[0].data} although no request has failed")
            return "no answer"
        is_told_to_guest = bool(self._session.guest_errors)
        if not errors:
            if not is_told_to_guest and failed[0].operation is Operation.FLUSH and self._has_completed():
                return "unnoticed"  # a disk is flushed once more when it changes hands, and nobody asked for that
            if not is_told_to_guest:
                self._problems.append(
                    f"nobody was told that {failed[0].describe()} of the {fault.position.role} failed"
                )
            if fault.position.role == "target" and not self._guest_has_moved():
                self._problems.append(f"a guest was told that {failed[0].describe()} of the target failed")
            return "guest error"
        operation = "write" if fault.position.role == "target" else "read"
        for event in errors:
            if event.data["operation"] != operation or event.data["action"] != fault.action:
                self._problems.append(f"BLOCK_JOB_ERROR {event.data}, not operation {operation}, action {fault.action}")
        if not fault.persistent and len(errors) > 1:
            self._problems.append(f"one failure was reported {len(errors)} times")
        self._look_at_the_job(fault)
        return {"report": "job ends", "ignore": "job goes on", "stop": "job stops"}[fault.action]

    def _look_at_the_job(self, fault: Fault) -> None:
        """What the policy makes of the job; one that is frozen ends only when it next runs (real-qemu D5)."""
        info = self._job_info()
        if info is None:
            return
        expected = "ok"
        if fault.action == "stop" and self._session.last_action() == "stop":
            expected = "nospace" if fault.error is Error.ENOSPC else "failed"
            # Up to 5.2 a job that sleeps says that it is paused at once, and its state follows when it wakes.
            if not info["paused"]:
                self._problems.append(f"the job has stopped, and its status is {info['status']}")
        if info["io-status"] != expected:
            self._problems.append(f"io-status is {info['io-status']}, not {expected}")

    def _guest_has_moved(self) -> bool:
        return any(job.is_over and job.oracle.guest_disk is job.oracle.target for job in self._session.jobs)

    def _has_completed(self) -> bool:
        return any("error" not in event.data for event in self._events("BLOCK_JOB_COMPLETED"))

    # The end

    def _end(self) -> None:
        assert self._fault is not None
        info = self._job_info()
        cancel = None
        if self._fault.ending is Ending.CANCEL and info is not None and info["status"] != "concluded":
            cancel = self._session.submit_command("job-cancel", {"id": self._job_id})
            self._session.settle()
        self._plan.heal()
        self._session.settle()
        self._session.wait(lambda: not self._session.guests_wait, "the guests' requests")
        if cancel is not None:
            self._session.wait(lambda: cancel.done, "the reply to job-cancel")
            assert cancel.reply is not None
            if "error" in cancel.reply:
                self._problems.append(f"job-cancel was refused: {cancel.reply['error']['desc']}")
            self._bench.wait_until(lambda: not self._is_alive(), "the job that was cancelled to end")
        if self._is_alive():
            self._go_on()
        self._check_reported_end()
        if not self._guest_has_moved():
            self._converge()

    def _go_on(self) -> None:
        """Let the job go on until the disks are equal, or it is over."""
        # A job that waits to be finalized says that it is paused, too.
        if (info := self._job_info()) is not None and info["paused"] and info["status"] != "pending":
            self._ask("job-resume", {"id": self._job_id})
        if (info := self._job_info()) is not None and info["speed"]:
            self._ask("block-job-set-speed", {"device": self._job_id, "speed": 0})
        if (info := self._job_info()) is not None and info["status"] == "pending":
            self._ask("job-finalize", {"id": self._job_id})
        ends = bool(self._events("BLOCK_JOB_ERROR")) and self._session.last_action() == "report"
        self._bench.wait_until(
            lambda: not self._is_alive() or (not ends and self._is_in_sync()), "the disks to be equal"
        )

    def _is_in_sync(self) -> bool:
        job = next(job for job in self._session.jobs if job.job_id == self._job_id)
        return job.is_ready and self._session.dirty_bytes(job) == 0 and not self._session.storage_is_busy

    def _check_reported_end(self) -> None:
        assert self._fault is not None
        ends = self._events("BLOCK_JOB_COMPLETED")
        if self._session.last_action() != "report" or not ends or self._plan.has_others:
            return
        expected = os.strerror(self._fault.error.errno)
        if ends[0].data.get("error") != expected:
            self._problems.append(f"the job ended with {ends[0].data.get('error')!r}, not {expected!r}")

    def _converge(self) -> None:
        if not self._is_alive():
            self._mirror_again()
        running = [job.oracle for job in self._session.jobs if not job.is_over]
        if not running:
            self._problems.append("no mirror is left that could bring the disks together")
            return
        self._session.settle()
        running[-1].check_converged()

    def _mirror_again(self) -> None:
        """Mirror the source once more, to a new disk: the old one's connection may have been cut (BF-12)."""
        arguments = self._session.mirror_arguments
        assert arguments is not None
        source = self._session.disks[arguments["device"]]
        self._session.attach(AGAIN, HeldStorage(AGAIN, source.size))
        self._ask("job-dismiss", {"id": self._job_id})
        kept = {name: arguments[name] for name in ("device", "copy-mode", "granularity") if name in arguments}
        reply = self._ask("blockdev-mirror", kept | {"job-id": AGAIN, "target": AGAIN, "sync": "full"})
        if "error" in reply:
            self._problems.append(f"a new mirror was refused: {reply['error']['desc']}")
            return
        self._bench.wait(
            lambda: any(event.data["device"] == AGAIN for event in self._events("BLOCK_JOB_READY")),
            "the new mirror to be READY",
        )

    # Details

    @property
    def _job_id(self) -> str:
        assert self._session.mirror_arguments is not None
        return str(self._session.mirror_arguments.get("job-id"))

    def _events(self, name: str) -> list[Event]:
        return [event for event in self._session.events if event.name == name]

    def _ask(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        pending = self._session.submit_command(name, arguments)
        self._session.wait(lambda: pending.done, f"the reply to {name}")
        self._session.settle()
        assert pending.reply is not None
        return pending.reply

    def _job_info(self) -> dict[str, Any] | None:
        """The job as `query-block-jobs` shows it; None when it is gone, or nobody answers because of the fault."""
        pending = self._session.submit_command("query-block-jobs", {})
        self._session.settle()
        if pending.reply is None:
            return None
        for info in pending.reply["return"]:
            if info["device"] == self._job_id:
                return dict(info)
        return None

    def _is_alive(self) -> bool:
        info = self._job_info()
        return info is not None and info["status"] not in ("concluded", "null")
