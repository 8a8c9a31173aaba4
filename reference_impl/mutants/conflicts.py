"""Bugs in who waits for whom: operations that wait for the wrong one, for each other, or for nobody."""

from __future__ import annotations

from reference_impl.mirror import MirrorJob
from reference_impl.mirror_operations import MirrorOperation, MirrorOperations
from reference_impl.mutants.planting import plant


@plant("intersecting-active-writes-deadlock", rows="A10 BF-13", fixed="2021-07, d44dae1a7c, 6.1")
class IntersectingActiveWritesDeadlock(MirrorOperations):
    """Two active writes wait for each other, and neither guest request ever ends.

    Both were woken by a third operation and found the range claimed by a fourth; nothing kept the one from choosing the
    other, which waits itself.
    """

    def may_wait_for(self, operation: MirrorOperation, waiter: MirrorOperation | None) -> bool:
        return True


@plant("op-waits-for-itself", rows="C2 BF-05", fixed="2020-03, ce8cabbd17, 5.0")
class OperationWaitsForItself(MirrorOperations):
    """A copy that has no buffers yet waits for itself, or for another such copy: the job hangs.

    It stands in the list before it holds anything, and the first in the list is the one that is waited for.
    """

    async def wait_for_any_background(self) -> None:
        for operation in self._operations:
            if not operation.pseudo and not operation.active:
                await operation.waiters.wait(f"{operation} to end")
                return
        await super().wait_for_any_background()


@plant("wait-on-conflict-null-self", rows="C3 BF-14", fixed="2021-09, 66fed30c9c, 6.2")
class WaitOnConflictNullSelf(MirrorOperations):
    """A background copy that meets an active write crashes: the cure of a deadlock asks the waiter who it is.

    The background copy waits before there is an operation of its own, so there is nobody to ask.
    """

    def may_wait_for(self, operation: MirrorOperation, waiter: MirrorOperation | None) -> bool:
        return waiter.offset >= 0 and operation.waits_for is None  # type: ignore[union-attr]


@plant("no-wait-on-in-flight-first-chunk", rows="C4", fixed="9c83625bdd, 2.6")
class NoWaitOnFirstChunk(MirrorOperations):
    """A background copy starts although its first granule is being written: older data can land last.

    Two operations on one granule at once; the target keeps what the slower one brings.
    """

    async def wait_until_free(self, offset: int, length: int, waiter: MirrorOperation | None = None) -> None:
        if waiter is not None:
            await super().wait_until_free(offset, length, waiter)


@plant("background-op-ignores-range-conflict", rows="C5", fixed="1181e19a6d, 3.0")
class WaitsForSomeOperationOnly(MirrorOperations):
    """Whoever waits for a range goes on when one operation on it has ended, whoever else works on it: stale data.

    A waiter looks once instead of until the range is free.
    """

    async def wait_until_free(self, offset: int, length: int, waiter: MirrorOperation | None = None) -> None:
        first, end = self.granules(offset, length)
        if self.is_claimed(first, end) and not self._given_up():
            blocker = self._blocker(first, end, waiter)
            if blocker is not None:
                await blocker.waiters.wait(f"{blocker} to end")


@plant("run-ignores-claims", rows="C5", fixed="never released: what the rule for the first granule is for the others")
class RunIgnoresClaims(MirrorJob):
    """A run of copies goes on over granules that an active write has claimed: older data can land last.

    Its first granule is waited for; the others are taken as they come.
    """

    def _collect_run(self, offset: int) -> int:
        granularity, count = self.granularity_bytes, 1
        while count * granularity < self.buffer_bytes:
            following = offset + count * granularity
            if following >= self.source.size_bytes or not self.bitmap.get(following):
                break
            count += 1
        self._cursor = self.bitmap.iterator(offset + (count - 1) * granularity)
        self._cursor.next()
        return count


@plant("rest-of-run-not-claimed", rows="C5", fixed="never released: what the pseudo operation of 3.0 is for")
class RestOfRunNotClaimed(MirrorOperations):
    """The granules of a run that are still to be copied are nobody's: a write and the copy of one granule meet.

    They are clean already, and no operation works on them yet.
    """

    def claim(self, operation: MirrorOperation) -> None:
        super().claim(operation)
        if operation.pseudo and operation.claim is not None:
            operation.claim = operation.claim[0], operation.claim[0]


@plant("active-waits-for-first-chunk-only", rows="151-4", fixed="never released: the rule that 151-4 tests")
class ActiveWriteWaitsForFirstGranule(MirrorOperations):
    """An active write waits until its first granule is free, not its whole range: two writers of one granule.

    That is enough for a background copy, which shortens itself; a guest's write cannot be shortened.
    """

    async def wait_until_free(self, offset: int, length: int, waiter: MirrorOperation | None = None) -> None:
        await super().wait_until_free(offset, 1, waiter)


@plant("active-writes-starve-background", rows="A17 BF-19", fixed="2022-11, d69a879bdf, 7.2")
class ActiveWritesStarveBackground(MirrorJob):
    """The background copy waits for all active writes first: under load the job never becomes ready.

    With a guest that always has a write under way there is no moment at which anything is copied.
    """

    async def _start_next_copies(self) -> None:
        for operation in self.operations:
            if operation.active:
                await operation.waiters.wait(f"{operation} to end")
                return
        await super()._start_next_copies()


@plant("claim-outlives-operation", rows="C6", fixed="4150ae60eb, 2.6")
class TailClaimLeaks(MirrorJob):
    """The claim on a last granule that is not full is never given back: whoever needs it next waits for ever.

    Its end was computed by dividing, which rounds down.
    """

    def _launch(self, offset: int, length: int, method: object) -> int:
        launched = super()._launch(offset, length, method)  # type: ignore[arg-type]
        if (offset + launched) % self.granularity_bytes:
            leak = self.operations.add(offset, launched, active=True)
            leak.started = True
            self.active_writes_count += 1
            self.operations.claim(leak)
        return launched
