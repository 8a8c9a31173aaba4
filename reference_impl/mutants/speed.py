"""Bugs in limiting a job's speed: who wakes it, what is counted, who has to wait."""

from __future__ import annotations

from reference_impl.job_states import JobVerb
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_operations import MirrorOperation
from reference_impl.mutants.planting import plant
from reference_impl.qmp_errors import parameter_expects
from reference_impl.rate_limit import RateLimit


class _WokenEarly(MirrorJob):
    """Whoever wakes the job in a certain way is taken for the end of its delay."""

    _woken = False

    async def rate_limit_sleep(self) -> None:
        self._woken = False
        while True:
            delay_ns = self.limit.delay_ns(0, self.scheduler.now_ns)
            await self.sleep(delay_ns)
            if not delay_ns or self.is_cancelled or self._woken:
                return


@plant("set-speed-defeats-rate-limit", rows="A18", fixed="018e5987b5, 8.1")
class SetSpeedDefeatsLimit(_WokenEarly):
    """Each change of the speed wakes the job, which copies one more piece: a limit can be exceeded a hundredfold."""

    def set_speed(self, bytes_per_second: int) -> None:
        self._woken = True  # before it is woken: it runs at once
        super().set_speed(bytes_per_second)
        self.enter(self._sleeps_on_timer)


@plant("pause-defeats-rate-limit", rows="A19", fixed="018e5987b5, 8.1")
class PauseDefeatsLimit(_WokenEarly):
    """Each pause and resume makes the job copy one more piece, whatever the limit."""

    def pause(self) -> None:
        self._woken = True
        super().pause()


@plant("throttle-lost", rows="C30", fixed="ddc4115efd, 3.0")
class ThrottleLost(MirrorJob):
    """The delay that the limit asks for is not slept: there is no limit."""

    async def rate_limit_sleep(self) -> None:
        await self.sleep(0)


@plant("throttle-counts-wrong-bytes", rows="C31", fixed="f14a39ccb9, 2.7")
class ThrottleCountsSectors(RateLimit):
    """The limit counts sectors where bytes are meant: the job goes 512 times as fast."""

    def account(self, length_bytes: int, now_ns: int) -> None:
        super().account(length_bytes // 512, now_ns)


@plant("completion-wakes-throttle-sleep", rows="C32", fixed="7b770c720b, 2.0")
class CompletionWakesSleep(_WokenEarly):
    """The end of a copy wakes the job from the sleep that its limit asks for: there is hardly a limit."""

    def _operation_done(self, operation: MirrorOperation, buffers: int, succeeded: bool) -> None:
        super()._operation_done(operation, buffers, succeeded)
        self._woken = True
        self.enter(self._sleeps_on_timer)


@plant("set-speed-does-not-wake", rows="C37", fixed="aa9ef2e65b, 2.12")
class SetSpeedDoesNotWake(MirrorJob):
    """A job that sleeps because of a low limit sleeps on when the limit is lifted: for hours."""

    def set_speed(self, bytes_per_second: int) -> None:
        self.require_verb(JobVerb.SET_SPEED)
        if bytes_per_second < 0:
            raise parameter_expects("speed", "a non-negative value")
        self.limit.set_speed(bytes_per_second)
        self.speed = bytes_per_second
