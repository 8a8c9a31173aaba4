"""Bugs in the background copy: what is copied, how much, and what it takes the target for."""

from __future__ import annotations

from reference_impl.hbitmap_iterator import HBitmapIterator
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_operations import MirrorOperation
from reference_impl.mirror_options import CopyMethod
from reference_impl.mutants.planting import plant


@plant("last-chunk-not-clipped", rows="C6", fixed="4150ae60eb, 2.6")
class LastChunkNotClipped(MirrorJob):
    """The last granule is copied in full although the disk ends within it: the target grows, or the copy fails."""

    def _launch(self, offset: int, length: int, method: CopyMethod) -> int:
        granularity = self.granularity_bytes
        return super()._launch(offset, -(-length // granularity) * granularity, method)


@plant("bits-cleared-after-block-status", rows="C10", fixed="never released: a comment since e5b43573e2 warns of it")
class BitsClearedLate(MirrorJob):
    """Dirty bits are cleared after the block status was asked, not before: a write in between is lost.

    The question can wait for the disk; here it waits for one turn of the main loop.
    """

    async def _start_next_copies(self) -> None:
        offset = self._next_dirty()
        await self.operations.wait_until_free(offset, 1)
        await self.pause_point()
        length = self._collect_run(offset) * self.granularity_bytes
        run = self.operations.add(offset, length, pseudo=True)
        try:
            task = self.scheduler.running
            self.scheduler.timer(0, f"block status of {offset}+{length}", lambda: self.scheduler.wake(task))
            await self.scheduler.suspend("block status")
            self.operations.claim(run)
            await self._start_copies_of(run)
            self.bitmap.reset(offset, min(length, self.source.size_bytes - offset))
        finally:
            self.operations.remove(run)


@plant("status-truncated-to-int", rows="C11", fixed="39c11580f3, 2.9")
class StatusTruncated(MirrorJob):
    """What block status says of zeroes is lost on the way, so that holes are copied as data: the target fills up."""

    async def _choose_method(self, offset: int, length: int) -> tuple[int, CopyMethod]:
        length, _ = await super()._choose_method(offset, length)
        return length, CopyMethod.COPY


@plant("holes-not-written", rows="C12", fixed="5279efebcf, 2.5")
class HolesNotWritten(MirrorJob):
    """Holes of the source are left out although the target was not made to read as zeroes: the disks differ there."""

    async def _mark_what_to_copy(self) -> None:
        if self.options.zero_target and not self.target.writes_zeroes_with_unmap:
            await mark_data_only(self)
        else:
            await super()._mark_what_to_copy()


@plant("existing-target-assumed-zero", rows="C13", fixed="cdf3bc934a, 4.2")
class TargetAssumedZero(MirrorJob):
    """A target that can write zeroes by unmapping is taken for one that reads as zeroes already: the disks differ."""

    async def _mark_what_to_copy(self) -> None:
        if self.options.zero_target and self.target.writes_zeroes_with_unmap:
            await mark_data_only(self)
        else:
            await super()._mark_what_to_copy()


async def mark_data_only(job: MirrorJob) -> None:
    """Mark what the source says is data, and nothing else."""
    offset, size = 0, job.source.size_bytes
    while offset < size:
        status = await job.source.block_status(offset, size - offset)
        if not status.zero:
            job.bitmap.set(offset, status.length_bytes)
        offset += status.length_bytes


@plant("size-mismatch-accepted", rows="C14 BF-06", fixed="2020-05, e83dd6808c, 5.1")
class SizeMismatchAccepted(MirrorJob):
    """A target of another size is accepted: a larger one keeps what it had at its end, a smaller one fails late."""

    def check_sizes(self) -> None:
        pass


@plant("zero-length-image-skips-ready", rows="C15", fixed="9e48b02540, 2.1")
class EmptyDiskSkipsReady(MirrorJob):
    """The mirror of a disk of no bytes ends at once, and nobody is told that it is ready."""

    async def _serve_empty_disk(self) -> None:
        return


@plant("more-than-16-in-flight", rows="C43", fixed="cf56a3c632, 2.7")
class TooManyInFlight(MirrorJob):
    """The limit of 16 operations is not kept: it was tested for equality, and the count jumped past it."""

    in_flight_max = 1 << 30


@plant("in-flight-bytes-overflow", rows="C44", fixed="531509ba28, 2.7")
class InFlightBytesOverflow(MirrorJob):
    """What is in flight is counted in 32 bits: a request of 2 GiB makes what is left negative."""

    def progress_set_remaining(self, length_bytes: int) -> None:
        super().progress_set_remaining((length_bytes + (1 << 31)) % (1 << 32) - (1 << 31))


@plant("buffer-not-multiple-of-granularity", rows="C46", fixed="48ac0a4df8, 2.4")
class BufferRoundedDown(MirrorJob):
    """A buffer of less than a granule is rounded down to nothing: nothing can ever be copied. (QEMU overran it.)"""

    async def run(self) -> None:
        self.buffers_count = self.buffers_free_count = self.options.buffer_bytes // self.granularity_bytes
        await super().run()


@plant("new-work-after-fatal-error", rows="C47", fixed="dbaa7b57ec, 2.7")
class NewWorkAfterFatalError(MirrorJob):
    """After an error that ends the job the rest of the run is started all the same: the target is written on."""

    def may_start_more(self) -> bool:
        return True


@plant("iterator-cache-vs-concurrent-set", rows="B12", fixed="f27a274259, 2.6")
class IteratorCacheTrusted(MirrorJob):
    """The loop trusts the iterator to return the granule after the one before: one dirtied later crashes it.

    The iterator has read its word before the write came, and skips the granule.
    """

    def _collect_run(self, offset: int) -> int:
        granularity = self.granularity_bytes
        count = 1
        while count * granularity < self.buffer_bytes:
            following = offset + count * granularity
            if following >= self.source.size_bytes or not self.bitmap.get(following):
                break
            granule = following // granularity
            if self.operations.is_claimed(granule, granule + 1):
                break
            cursor: HBitmapIterator | None = self._cursor
            found = cursor.next() if cursor is not None else -1
            assert found == following, f"the iterator returns {found} and not {following}"
            count += 1
        return count


@plant("waiting-copy-not-counted", rows="C42", fixed="never released: seen in the reference by exploring")
class WaitingCopyNotCounted(MirrorJob):
    """A copy that waits for buffers is neither dirty nor in flight: in the end less than nothing is left.

    An early form of the reference did that; exploring its schedules showed it.
    """

    def progress_set_remaining(self, length_bytes: int) -> None:
        waiting = sum(
            operation.length
            for operation in self.operations
            if not operation.started and not operation.pseudo and not operation.active
        )
        super().progress_set_remaining(length_bytes - waiting)


@plant("paused-before-waiting-copy", rows="C35", fixed="never released: seen in the reference by exploring")
class PausedBeforeWaitingCopy(MirrorJob):
    """A copy that waits for buffers does not count when the job pauses or ends, and goes on after that.

    An early form of the reference did that; exploring its schedules with two preemptions showed it.
    """

    async def _wait_for_all_background(self) -> None:
        while self.in_flight:
            await self.operations.wait_for_any_background()


@plant("progress-counts-prezeroing", rows="C41", fixed="90ab48eb07, 2.9")
class ProgressCountsZeroing(MirrorJob):
    """Zeroing the target beforehand counts as progress: the total is twice the disk, and stays at "99 %"."""

    def _operation_done(self, operation: MirrorOperation, buffers: int, succeeded: bool) -> None:
        if succeeded and self._zeroing:
            self.progress_done(operation.length)
        super()._operation_done(operation, buffers, succeeded)


@plant("flush-every-sync", rows="C48", fixed="bdffb31d8e, 2.8")
class FlushEverySync(MirrorJob):
    """The target is flushed once more than before READY and before the end: it is slow."""

    async def _try_to_end(self) -> bool:
        await self._flush_target()
        return await super()._try_to_end()
