"""What every block job has: its life, its verbs, pauses, progress, speed, error policies.

A kind of job derives from `Job` and provides `run` and a few hooks; which state follows which and which verb is allowed
when is not decided here but in `job_states`.

Source: facts 5c (QV, QS), 5e (QE), and for the pauses the historic bugs C28 to C40.
"""

from __future__ import annotations

import enum
import errno as errno_numbers
import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from reference_impl.errors import ModelError
from reference_impl.graph import Edge, Graph, Node, Parent
from reference_impl.job_states import TRANSITIONS, VERBS, JobState, JobVerb
from reference_impl.job_transaction import JobTransaction
from reference_impl.permissions import NO_ACCESS, Access
from reference_impl.qmp_errors import QmpError, parameter_expects
from reference_impl.rate_limit import RateLimit
from reference_impl.scheduler import Task, Timer

IGNORED_ERRORS_MAX = 100
"""After so many errors that its policy ignores, a job rests for 100 ms. QEMU has no such limit and burns time."""

_READY_STATES = frozenset({JobState.READY, JobState.STANDBY})


class ErrorPolicy(enum.StrEnum):
    """What a job does when a request of its own fails."""

    REPORT = "report"
    IGNORE = "ignore"
    ENOSPC = "enospc"
    STOP = "stop"
    AUTO = "auto"


class ErrorAction(enum.StrEnum):
    """What the policy came to for one error."""

    REPORT = "report"
    IGNORE = "ignore"
    STOP = "stop"


class IoStatus(enum.StrEnum):
    """Why a job stopped, if it did."""

    OK = "ok"
    FAILED = "failed"
    NOSPACE = "nospace"


class JobFailed(ModelError):
    """A job's run ends with an error.

    :ivar errno: what `query-jobs` and COMPLETED say in the system's words, unless there is a text of its own.
    """

    def __init__(self, errno: int, text: str | None = None) -> None:
        super().__init__(text or os.strerror(errno))
        self.errno = errno


class JobHost(Protocol):
    """What a job needs of the machine that it lives in."""

    graph: Graph

    def emit(self, event: str, data: Mapping[str, Any]) -> None:
        """Send an event to whoever listens on the monitor."""

    def job_dismissed(self, job: Job) -> None:
        """Forget a job that has reached ``null``."""


class Job(Parent):
    """A block job.

    :ivar pause_count: how many reasons there are to pause: a user's, and one for each edge that is drained.
    :ivar paused: whether it rests at a pause point. :ivar user_paused: whether one of the reasons is a user's, or an
        error that a user has to look at.
    :ivar busy: whether it runs, or waits for something of its own making; a job that sleeps is not busy.
    :ivar deferred_to_main_loop: its run is over and its end is on the way.
    :ivar progress_current, progress_remaining: in bytes; their sum is the total.
    :ivar failure: why it failed; None as long as it has not.
    """

    kind = "?"
    stays = True
    transitions = TRANSITIONS
    verbs = VERBS
    rate_limit_class = RateLimit
    forced_at_quit = True
    """Whether it is cancelled by force when the program quits, even if it is ready (A14)."""

    def __init__(
        self,
        host: JobHost,
        job_id: str,
        *,
        auto_finalize: bool = True,
        auto_dismiss: bool = True,
        transaction: JobTransaction | None = None,
    ) -> None:
        self.host = host
        self.graph = host.graph
        self.scheduler = host.graph.scheduler
        self.id = job_id
        self.auto_finalize = auto_finalize
        self.auto_dismiss = auto_dismiss
        self.state = JobState.UNDEFINED
        self.edges: list[Edge] = []
        self.task: Task | None = None
        self.pause_count = 1  # a created job is paused until it is started
        self.paused = True
        self.user_paused = False
        self.busy = False
        self.cancelled = False
        self.force_cancelled = False
        self.deferred_to_main_loop = False
        self.failure: JobFailed | None = None
        self.progress_current = 0
        self.progress_remaining = 0
        self.speed = 0
        self.io_status = IoStatus.OK
        self.limit = self.rate_limit_class()
        self._sleep_timer: Timer | None = None
        self.transaction = transaction or JobTransaction()
        self.enter_state(JobState.CREATED)
        self.transaction.add(self)

    # What a kind of job provides

    async def run(self) -> None:
        """Do the work; raise JobFailed to fail."""
        raise NotImplementedError

    def on_cancel(self, force: bool) -> bool:
        """Return whether a cancel is (or counts as) forced; a kind without soft cancel says yes."""
        return True

    def on_complete(self) -> None:
        """End a job that is ready; only kinds that become ready can."""
        raise QmpError(f"The active block job '{self.id}' cannot be completed")

    def on_change(self, options: Mapping[str, Any]) -> None:
        """Change options of a running job."""
        raise QmpError("Job type does not support change")

    def on_set_options(self, options: Mapping[str, Any]) -> None:
        """Set options of a running job by the generic command."""
        raise QmpError("Job type does not support change")

    async def on_pause(self) -> None:
        """Come to rest before the job counts as paused."""

    async def before_end(self) -> None:
        """Bring to rest what the end takes away: before the job is finalized, or ends badly."""

    def prepare(self) -> None:
        """What can still fail, after the run succeeded and before it is final."""

    def abort(self) -> None:
        """Undo, after the job failed or was cancelled."""

    def clean(self) -> None:
        """Give back what the job held, however it ended."""

    def requests_in_flight(self) -> bool:
        """Whether a drained section has to wait for the job although it is not running."""
        return True

    def driver_info(self) -> dict[str, Any]:
        """Fields that only this kind has in `query-block-jobs`."""
        return {}

    # States

    def enter_state(self, state: JobState) -> None:
        """Go to another state; one that the table forbids is a bug of the model."""
        if state not in self.transitions[self.state]:
            raise ModelError(f"job '{self.id}': state {self.state} must not become {state}")
        changed = state is not self.state
        self.state = state
        if changed:
            self.host.emit("JOB_STATUS_CHANGE", {"id": self.id, "status": state.value})

    def require_verb(self, verb: JobVerb) -> None:
        """Refuse a verb that the table forbids in the present state (QS-03)."""
        if self.state not in self.verbs[verb]:
            raise QmpError(f"Job '{self.id}' in state '{self.state}' cannot accept command verb '{verb}'")

    @property
    def is_ready(self) -> bool:
        """Whether it has reached READY and not begun to end."""
        return self.state in _READY_STATES

    @property
    def is_cancelled(self) -> bool:
        """Whether it ends as cancelled: only a forced cancel does that (A12)."""
        return self.force_cancelled

    @property
    def is_completed(self) -> bool:
        """Whether its run is over."""
        return self.state in (
            JobState.WAITING,
            JobState.PENDING,
            JobState.ABORTING,
            JobState.CONCLUDED,
            JobState.NULL,
        )

    # Edges

    def hold(self, node: Node, name: str, access: Access = NO_ACCESS) -> None:
        """Use a node: whoever drains it pauses the job, and whoever wants to do something to it is told of the job.

        :raise QmpError: when the permissions conflict with those of other users.
        """
        self.edges.append(Edge(self, node, name, access))

    def let_go(self) -> None:
        """Use no node any more."""
        while self.edges:
            self.edges.pop().remove()

    def describe_parent(self) -> str:
        return f"{self.kind} job '{self.id}'"

    def blocker(self, edge: Edge) -> str | None:
        return f"block device is in use by block job: {self.kind}"

    def drained_begin(self) -> None:
        self.pause()

    def drained_busy(self) -> bool:
        # A job that sleeps meets a pause point before it does anything else, so it starts no request.
        if not self.busy or self.is_completed:
            return False
        return self.requests_in_flight()

    def drained_end(self) -> None:
        self.resume()

    # Running

    def start(self) -> None:
        """Begin the run; it goes to its first wait before this returns."""
        self.pause_count -= 1
        self.paused = False
        self.busy = True
        self.enter_state(JobState.RUNNING)
        self.scheduler.start(self._body(), f"job {self.id}")

    async def _body(self) -> None:
        self.task = self.scheduler.running
        try:
            await self.pause_point()
            await self.run()
        except JobFailed as failure:
            self.failure = failure
        if self.auto_finalize or self.failure is not None or self.is_cancelled:
            await self.before_end()
        self.deferred_to_main_loop = True
        self.busy = True
        self.scheduler.post(self._completed)

    def enter(self, only_if: Callable[[], bool] | None = None) -> None:
        """Let a job that sleeps or is paused go on; nothing happens to one that runs or is not started."""
        if self.task is None or self.deferred_to_main_loop or self.busy:
            return
        if only_if is not None and not only_if():
            return
        if self._sleep_timer is not None:
            self._sleep_timer.cancel()
        self.busy = True
        self.scheduler.wake(self.task)

    def _sleeps_on_timer(self) -> bool:
        return self._sleep_timer is not None and self._sleep_timer.pending

    async def rest(self, reason: str, delay_ns: int | None = None) -> None:
        """Stop being busy until somebody enters the job, or `delay_ns` nanoseconds have passed."""
        if delay_ns is not None:
            self._sleep_timer = self.scheduler.timer(delay_ns, f"job {self.id} sleeps", self.enter)
        self.busy = False
        self.graph.drain_progressed()
        await self.scheduler.suspend(reason)

    async def sleep(self, delay_ns: int) -> None:
        """Sleep, then pass a pause point; 0 gives everything else a turn. A cancelled job does not sleep."""
        if self.is_cancelled:
            return
        if not self.should_pause:
            await self.rest(f"its sleep of {delay_ns} ns", delay_ns)
        await self.pause_point()

    async def wait_to_be_entered(self, reason: str) -> None:
        """Wait until a verb enters the job, then pass a pause point."""
        if self.is_cancelled:
            return
        if not self.should_pause:
            await self.rest(reason)
        await self.pause_point()

    async def rate_limit_sleep(self) -> None:
        """Rest as long as the speed asks for; whoever wakes the job early does not shorten that (A18, A19)."""
        while True:
            delay_ns = self.limit.delay_ns(0, self.scheduler.now_ns)
            await self.sleep(delay_ns)
            if not delay_ns or self.is_cancelled:
                return

    # Pauses

    @property
    def should_pause(self) -> bool:
        """Whether there is a reason to pause."""
        return self.pause_count > 0

    def pause(self) -> None:
        """Add a reason to pause."""
        self.pause_count += 1
        if not self.paused:
            self.enter()

    def resume(self) -> None:
        """Take one reason away; the last one lets the job go on, but does not cut a sleep short (C36)."""
        if not self.pause_count:
            raise ModelError(f"job '{self.id}' is resumed more often than it was paused")
        self.pause_count -= 1
        if not self.pause_count:
            self.enter(lambda: not self._sleeps_on_timer())

    async def pause_point(self) -> None:
        """Pause here if there is a reason to; a cancelled job does not pause."""
        if not self.should_pause or self.is_cancelled:
            return
        await self.on_pause()
        if self.should_pause and not self.is_cancelled:
            state = self.state
            self.enter_state(JobState.STANDBY if state is JobState.READY else JobState.PAUSED)
            self.paused = True
            # Who pauses it again before it has woken up finds it paused (D4).
            while self.should_pause and not self.is_cancelled:
                await self.rest("being resumed")
            self.paused = False
            self.enter_state(state)

    # Progress, speed, errors

    def progress_done(self, length_bytes: int) -> None:
        """Count bytes as done: they are no longer left."""
        self.progress_current += length_bytes
        self.progress_remaining -= length_bytes

    def progress_set_remaining(self, length_bytes: int) -> None:
        """Say how much is left."""
        self.progress_remaining = length_bytes

    def progress_increase_remaining(self, length_bytes: int) -> None:
        """Say that there is more to do."""
        self.progress_remaining += length_bytes

    @property
    def progress_total(self) -> int:
        """Done and left."""
        return self.progress_current + self.progress_remaining

    def set_speed(self, bytes_per_second: int) -> None:
        """Limit the speed; 0 is no limit. Raising or lifting a limit wakes a job that sleeps because of it (C37)."""
        self.require_verb(JobVerb.SET_SPEED)
        if bytes_per_second < 0:
            raise parameter_expects("speed", "a non-negative value")
        old = self.speed
        self.limit.set_speed(bytes_per_second)
        self.speed = bytes_per_second
        if not bytes_per_second or bytes_per_second > old:
            self.enter(self._sleeps_on_timer)

    def error_action(self, policy: ErrorPolicy, *, is_read: bool, errno: int) -> ErrorAction:
        """Say what the policy means for this error, announce it, and stop the job if it means that (QE-10 to QE-14)."""
        if policy in (ErrorPolicy.ENOSPC, ErrorPolicy.AUTO):
            action = ErrorAction.STOP if errno == errno_numbers.ENOSPC else ErrorAction.REPORT
        else:
            action = ErrorAction(policy.value)
        self.host.emit(
            "BLOCK_JOB_ERROR",
            {"device": self.id, "operation": "read" if is_read else "write", "action": action.value},
        )
        if action is ErrorAction.STOP:
            # However many requests fail, a user resumes once (C38).
            if not self.user_paused:
                self.pause()
                self.user_paused = True
            if self.io_status is IoStatus.OK:
                self.io_status = IoStatus.NOSPACE if errno == errno_numbers.ENOSPC else IoStatus.FAILED
        return action

    # Verbs

    def user_pause(self) -> None:
        """The verb ``pause``."""
        self.require_verb(JobVerb.PAUSE)
        if self.user_paused:
            raise QmpError("Job is already paused")
        self.user_paused = True
        self.pause()

    def user_resume(self) -> None:
        """The verb ``resume``; that there is nothing to resume is found before the table is asked (QS-05)."""
        if not self.user_paused or not self.pause_count:
            raise QmpError("Can't resume a job that was not paused")
        self.require_verb(JobVerb.RESUME)
        self.io_status = IoStatus.OK
        self.user_paused = False
        self.resume()

    def user_cancel(self, *, force: bool) -> None:
        """The verb ``cancel``."""
        self.require_verb(JobVerb.CANCEL)
        self.cancel(force=force)

    def user_complete(self) -> None:
        """The verb ``complete``."""
        self.require_verb(JobVerb.COMPLETE)
        if self.cancelled:
            raise QmpError(f"The active block job '{self.id}' cannot be completed")
        self.on_complete()

    def user_finalize(self) -> None:
        """The verb ``finalize``."""
        self.require_verb(JobVerb.FINALIZE)
        self.transaction.finalize()

    def user_dismiss(self) -> None:
        """The verb ``dismiss``."""
        self.require_verb(JobVerb.DISMISS)
        self._dismiss()

    def user_change(self, options: Mapping[str, Any]) -> None:
        """The verb ``change``."""
        self.require_verb(JobVerb.CHANGE)
        self.on_change(options)

    def user_set_options(self, options: Mapping[str, Any]) -> None:
        """The verb ``change``, for any options."""
        self.require_verb(JobVerb.CHANGE)
        self.on_set_options(options)

    def cancel(self, *, force: bool) -> None:
        """Ask the job to end; forced, at once and as cancelled."""
        if self.state is JobState.CONCLUDED:
            self._dismiss()
            return
        force = self.on_cancel(force)
        if self.user_paused:
            # Whoever cancels takes the user's reason to pause away; the job is entered below.
            self.io_status = IoStatus.OK
            self.user_paused = False
            self.pause_count -= 1
        # A run that is over cannot be ended softly any more: its success stands (C49).
        if force or not self.deferred_to_main_loop:
            self.cancelled = True
            self.force_cancelled = self.force_cancelled or force
        if self.task is None:
            self._completed()
        elif self.deferred_to_main_loop:
            if self.is_cancelled:
                self._failed()
        else:
            self.enter()

    def cancel_with_others(self, *, force: bool) -> None:
        """Be cancelled because another job of the transaction failed; the transaction ends both."""
        if self.task is not None and not self.deferred_to_main_loop:
            self.cancel(force=force)
            return
        self.cancelled = True
        self.force_cancelled = self.force_cancelled or force
        if self.task is None:
            self._update_failure()

    # The end

    def _completed(self) -> None:
        if self.is_completed:  # a forced cancel came first
            return
        if self.failure is not None or self.is_cancelled:
            self._failed()
            return
        self.enter_state(JobState.WAITING)
        self.transaction.job_waits()

    def _failed(self) -> None:
        self._update_failure()
        self.transaction.abort(self)

    def _update_failure(self) -> None:
        if self.failure is None and self.is_cancelled:
            self.failure = JobFailed(errno_numbers.ECANCELED)
        if self.failure is not None:
            self.enter_state(JobState.ABORTING)

    def announce_pending(self) -> None:
        """Tell the user that the job waits to be finalized."""
        self.host.emit("BLOCK_JOB_PENDING", {"type": self.kind, "id": self.id})

    def prepare_to_end(self) -> bool:
        """Do what can still fail; return whether it succeeded."""
        try:
            self.prepare()
        except JobFailed as failure:
            self.failure = failure
            self._update_failure()
        return self.failure is None

    def end(self) -> None:
        """Conclude, as the run and the other jobs of the transaction have it."""
        self._update_failure()
        if self.failure is not None:
            self.abort()
        self.clean()
        self.let_go()
        if self.task is not None:
            self._announce_end()
        self.enter_state(JobState.CONCLUDED)
        if self.auto_dismiss or self.task is None:
            self._dismiss()

    def _announce_end(self) -> None:
        data = self.event_data()
        if self.is_cancelled:
            self.host.emit("BLOCK_JOB_CANCELLED", data)
            return
        if self.failure is not None:
            data["error"] = str(self.failure)
        self.host.emit("BLOCK_JOB_COMPLETED", data)

    def _dismiss(self) -> None:
        self.enter_state(JobState.NULL)
        self.host.job_dismissed(self)

    def drop(self) -> None:
        """Forget a job that was created and could not be set up: nothing but its two states is seen of it."""
        self.let_go()
        self.transaction.remove(self)
        self.enter_state(JobState.NULL)

    # What others see

    def become_ready(self) -> None:
        """Announce that the job could be completed from now on; the state comes before the event."""
        self.enter_state(JobState.READY)
        self.host.emit("BLOCK_JOB_READY", self.event_data())

    def event_data(self) -> dict[str, Any]:
        """What READY, COMPLETED and CANCELLED carry."""
        return {
            "type": self.kind,
            "device": self.id,
            "len": self.progress_total,
            "offset": self.progress_current,
            "speed": self.speed,
        }

    def job_info(self) -> dict[str, Any]:
        """An entry of `query-jobs` (QQ-1)."""
        info: dict[str, Any] = {
            "id": self.id,
            "type": self.kind,
            "status": self.state.value,
            "current-progress": self.progress_current,
            "total-progress": self.progress_total,
        }
        if self.failure is not None:
            info["error"] = str(self.failure)
        return info

    def block_job_info(self) -> dict[str, Any]:
        """An entry of `query-block-jobs` (QQ-2)."""
        info: dict[str, Any] = {
            "type": self.kind,
            "device": self.id,
            "len": self.progress_total,
            "offset": self.progress_current,
            "busy": self.busy,
            "paused": self.should_pause,
            "speed": self.speed,
            "io-status": self.io_status.value,
            "ready": self.is_ready,
            "status": self.state.value,
            "auto-finalize": self.auto_finalize,
            "auto-dismiss": self.auto_dismiss,
        }
        if self.failure is not None:
            info["error"] = str(self.failure)
        info.update(self.driver_info())
        return info
