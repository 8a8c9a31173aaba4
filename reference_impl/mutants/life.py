"""Bugs in a job's life: pause, cancel, complete, errors, drained sections, the end."""

from __future__ import annotations

from typing import Any

from reference_impl.edges import Bystander, Edge
from reference_impl.errors import ModelError
from reference_impl.graph import Node
from reference_impl.job import ErrorAction, ErrorPolicy
from reference_impl.job_states import VERBS, JobState, JobVerb
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_operations import MirrorOperation
from reference_impl.mutants.planting import plant


@plant("second-ready-after-error", rows="A11 BF-15", fixed="2021-10, a3810da5cf, 6.2")
class SecondReadyAfterError(MirrorJob):
    """An error after READY makes the job forget that it is ready: the second announcement aborts the program."""

    _forgot = False

    @property
    def is_ready(self) -> bool:
        return super().is_ready and not self._forgot

    def request_failed(self, errno: int, *, is_read: bool) -> None:
        self._forgot = super().is_ready
        super().request_failed(errno, is_read=is_read)


@plant("soft-cancel-counts-as-cancelled", rows="A12 BF-16", fixed="2021-10, 73895f3838, 6.2")
class SoftCancelCountsAsCancelled(MirrorJob):
    """A soft cancel of a ready job counts as a forced one: it neither pauses nor waits, and ends as cancelled."""

    @property
    def is_cancelled(self) -> bool:
        return self.cancelled


@plant("force-cancel-vs-failing-flush", rows="A13 BF-17", fixed="2021-10, 4feeec7e23, 6.2")
class ForceCancelNotNoticed(MirrorJob):
    """A job whose flush fails again and again never notices that it was cancelled: it cannot be got rid of."""

    async def _copy_until_complete(self) -> None:
        while True:
            await super()._copy_until_complete()
            if not self.is_cancelled or not self._flush_failed:
                return

    _flush_failed = False

    async def _flush_target(self) -> bool:
        while not await super()._flush_target():
            self._flush_failed = True
            if self.has_failed:
                return False
        self._flush_failed = False
        return True


@plant("quit-completes-ready-mirror", rows="A14 BF-16", fixed="2021-10, 4cfb3f0562, 6.2")
class QuitCompletesReadyMirror(MirrorJob):
    """A program that is told to quit ends a ready mirror softly: that completes it, and under load takes for ever."""

    forced_at_quit = False


@plant("complete-refused-on-standby", rows="A15 BF-10", fixed="2021-04, 53ddb9c892, 6.0")
class CompleteRefusedOnStandby(MirrorJob):
    """A paused job that is ready cannot be completed: the verb is refused, although it could wait until the resume."""

    verbs = VERBS | {JobVerb.COMPLETE: frozenset({JobState.READY})}


@plant("duplicate-complete-with-replaces", rows="A16 BF-26", fixed="9ac85f4cc7, 11.0")
class DuplicateComplete(MirrorJob):
    """A second `complete` of a job that replaces a node blocks that node a second time: the program aborts."""

    def on_complete(self) -> None:
        if self.should_complete and self._to_replace is not None:
            raise ModelError(f"node '{self._to_replace.name}' is blocked a second time")
        super().on_complete()


@plant("force-not-honoured-when-ready", rows="C28", fixed="b76e4458b1, 2.12")
class ForceNotHonoured(MirrorJob):
    """A forced cancel of a ready job is a soft one: under load it never ends, and without it is completed."""

    def on_cancel(self, force: bool) -> bool:
        return not self.is_ready


@plant("cancel-before-ready-ignored", rows="C29", fixed="eb36639f7b, 3.0")
class CancelBeforeReadyIgnored(MirrorJob):
    """A cancel without force before READY lets the job run on and complete, instead of ending it."""

    def on_cancel(self, force: bool) -> bool:
        return force


@plant("no-pause-point-without-delay", rows="C34", fixed="001c95b740, 2.4")
class NoPausePoint(MirrorJob):
    """A turn of the loop without a delay passes no pause point: a pause has no effect as long as there is work."""

    async def pause_point(self) -> None:
        if self.is_ready or not self.bitmap.count_bytes:
            await super().pause_point()


@plant("sleeping-job-ignores-pause", rows="C35", fixed="0824afda0c, 2.7")
class SleepingJobIgnoresPause(MirrorJob):
    """A pause that comes while the job sleeps is over when the sleep is: the job runs although it is paused."""

    async def pause_point(self) -> None:
        if self.should_pause and not self.is_cancelled and self._woken_by_pause:
            self._woken_by_pause = False
            await self.on_pause()
            state = self.state
            self.enter_state(JobState.STANDBY if state is JobState.READY else JobState.PAUSED)
            self.paused = True
            await self.rest("its sleep", 100_000_000)
            self.paused = False
            self.enter_state(state)
            return
        await super().pause_point()

    _woken_by_pause = False

    def pause(self) -> None:
        self._woken_by_pause = self._sleeps_on_timer()
        super().pause()


@plant("several-errors-pause-twice", rows="C38", fixed="8d9648cbf3, 4.0")
class SeveralErrorsPauseTwice(MirrorJob):
    """Each of several requests that fail at once pauses the job: one resume does not let it go on."""

    def error_action(self, policy: ErrorPolicy, *, is_read: bool, errno: int) -> ErrorAction:
        was_paused = self.user_paused
        action = super().error_action(policy, is_read=is_read, errno=errno)
        if action is ErrorAction.STOP and was_paused:
            self.pause()
        return action


@plant("cancel-of-paused-job-asserts", rows="C39", fixed="e321c0597c, 3.1")
class CancelOfPausedJobAsserts(MirrorJob):
    """A cancel takes the user's pause away before it resumes the job, which insists that there is one: an abort."""

    def cancel(self, *, force: bool) -> None:
        if self.user_paused and self.paused:
            raise ModelError(f"job '{self.id}' is resumed and no user has paused it")
        super().cancel(force=force)


@plant("complete-enters-paused-job", rows="C40 BF-10", fixed="2021-04, 00769414cd, 6.0")
class CompleteEntersPausedJob(MirrorJob):
    """`complete` wakes a job that is paused: it runs and ends although nobody has resumed it."""

    def on_complete(self) -> None:
        self.should_complete = True
        self.enter()

    async def pause_point(self) -> None:
        if not self.should_pause or self.is_cancelled:
            return
        await self.on_pause()
        if self.should_pause and not self.is_cancelled:
            state = self.state
            self.enter_state(JobState.STANDBY if state is JobState.READY else JobState.PAUSED)
            self.paused = True
            await self.rest("being resumed")
            self.paused = False
            self.enter_state(state)


@plant("writes-missed-before-pivot", rows="C21", fixed="176c36997f, 2.5")
class WritesMissedBeforePivot(MirrorJob):
    """The source is not drained before the switch: a write after the last look is on the old disk alone."""

    async def _drain_source(self) -> None:
        self.in_own_drain = True

    def _undrain_source(self) -> None:
        self.in_own_drain = False


@plant("completion-check-before-drain", rows="C22", fixed="9a0cec664e, 2.8")
class CompletionCheckBeforeDrain(MirrorJob):
    """Whether anything is dirty is not asked again once the source is drained: what the drain let through is lost."""

    async def _try_to_end(self) -> bool:
        await self._drain_source()
        if await self._flush_target():
            return True
        self._undrain_source()
        return False


@plant("no-undrain-on-retry", rows="C22", fixed="never released: a slip that the retry invites")
class NoUndrainOnRetry(MirrorJob):
    """When the drain let a write through, the job goes on and leaves the source drained: the guest hangs."""

    async def _try_to_end(self) -> bool:
        if self._source_drained:
            return await super()._try_to_end()
        await self._drain_source()
        return self.bitmap.count_bytes == 0 and await self._flush_target()


@plant("flush-error-before-pivot-ignored", rows="C22 C48", fixed="never released: a slip that the retry invites")
class FlushErrorIgnored(MirrorJob):
    """The last flush of the target fails and the job completes all the same: what it says is safe may not be."""

    async def _try_to_end(self) -> bool:
        await self._drain_source()
        if self.bitmap.count_bytes == 0:
            self.bitmap.clear()
            await self._flush_target()
            return True
        self._undrain_source()
        return False


@plant("wake-of-foreign-yield", rows="C33", fixed="e424aff5f3, 2.5")
class WakeOfForeignYield(MirrorJob):
    """The end of a copy wakes the job whatever it waits for: it is entered twice, and aborts."""

    def _operation_done(self, operation: MirrorOperation, buffers: int, succeeded: bool) -> None:
        super()._operation_done(operation, buffers, succeeded)
        if self.task is not None and self.task.waits_for.startswith("its sleep"):
            self.scheduler.wake(self.task)


@plant("sleeping-job-entered-twice", rows="D12", fixed="fc24908e7d, 2.11")
class SleepingJobEnteredTwice(MirrorJob):
    """Who wakes a sleeping job leaves its timer running: it is entered a second time wherever it waits by then."""

    def enter(self, only_if: Any = None) -> None:
        timer, self._sleep_timer = self._sleep_timer, None
        super().enter(only_if)
        if (
            timer is not None
            and timer.pending
            and self.busy
            and self.task is not None
            and not self.deferred_to_main_loop
        ):
            task = self.task
            timer.callback = lambda: None if task.done else self.scheduler.wake(task)
        elif self._sleep_timer is None:
            self._sleep_timer = timer


@plant("drain-returns-before-job-paused", rows="D1 BF-09", fixed="2019-03, 5e771752a1, 4.0")
class DrainReturnsEarly(MirrorJob):
    """A drained section begins although the job is not paused: it reads and writes within it."""

    def drained_begin(self) -> None:
        pass

    def drained_end(self) -> None:
        pass

    def drained_busy(self) -> bool:
        return False


@plant("drain-of-target-does-not-pause", rows="D2", fixed="ad90febaf2, 2.12")
class DrainOfTargetDoesNotPause(MirrorJob):
    """Only a drained section on the source pauses the job: it goes on writing to a target that is drained."""

    def hold(self, node: Node, name: str, *more: Any) -> None:
        if node is self.target:
            self.edges.append(Edge(Bystander(), node, name, *more))
        else:
            super().hold(node, name, *more)
