"""Mistakes in the copy modes that QEMU has not got yet: those that ``docs/modes.md`` argues against.

None of them was ever in a program that somebody used; whoever builds these modes can make each of them.
"""

from __future__ import annotations

import errno as errno_numbers
from collections.abc import Callable, Mapping
from typing import Any

from reference_impl.graph import BlockIoError
from reference_impl.job_commands import JobCommands
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_async import _OnItsWay
from reference_impl.mirror_filter import MirrorFilter, SourceWrite, TargetWrite
from reference_impl.mirror_operations import MirrorOperation
from reference_impl.mirror_options import CopyMode
from reference_impl.mutants.planting import plant

NEVER = "never released: argued against in docs/modes.md"


@plant("async-range-free-when-answered", rows="TD-5", fixed=NEVER)
class RangeFreeWhenAnswered(MirrorJob):
    """An asynchronous write gives its range back when the guest is answered: a later write can be overtaken by it.

    The target is still being written then, so two overlapping writes reach the two disks in different orders.
    """

    async def asynchronous_write(
        self, offset: int, length: int, source_write: SourceWrite, to_target: TargetWrite
    ) -> None:
        async def write_and_let_go() -> None:
            await source_write()
            for write in self._writes_on_their_way:
                if write.offset == offset and write.length == length:
                    write.operation.claim = None
                    write.operation.waiters.wake_all()

        await super().asynchronous_write(offset, length, write_and_let_go, to_target)


@plant("async-buffer-has-no-end", rows="TD-5", fixed=NEVER)
class BufferHasNoEnd(MirrorJob):
    """Asynchronous writes never wait for room: the source runs away from a slow target, and memory with it."""

    async def _wait_for_room(self, length: int) -> None:
        pass


@plant("async-large-write-waits-for-ever", rows="TD-5", fixed=NEVER)
class LargeWriteWaitsForEver(MirrorJob):
    """An asynchronous write that is larger than the buffer waits for room that there never is: the guest hangs."""

    async def _wait_for_room(self, length: int) -> None:
        while self.bytes_on_their_way + length > self.buffer_bytes:
            await self._room.wait(f"room for {length} bytes in the buffer")


@plant("async-write-without-room-is-dirty", rows="TD-5", fixed=NEVER)
class WriteWithoutRoomIsDirty(MirrorFilter):
    """Where there is no room, an asynchronous write goes to the source alone and is dirty: background mode under load.

    A flush then promises nothing, and under a load that does not end the job never converges.
    """

    async def _write(self, offset: int, length: int, source_write: SourceWrite, to_target: TargetWrite) -> None:
        job = self.job
        if (
            job is not None
            and self.copies_to_target()
            and job.copy_mode is CopyMode.WRITE_ASYNC
            and job.bytes_on_their_way
            and job.bytes_on_their_way + length > job.buffer_bytes
        ):
            try:
                await source_write()
            finally:
                self.bitmap.set(offset, length)
            return
        await super()._write(offset, length, source_write, to_target)


@plant("async-guest-waits-for-target", rows="TD-5", fixed=NEVER)
class GuestWaitsForTarget(MirrorJob):
    """An asynchronous write answers the guest when both disks have it: it is as slow as a blocking one."""

    async def asynchronous_write(
        self, offset: int, length: int, source_write: SourceWrite, to_target: TargetWrite
    ) -> None:
        await super().asynchronous_write(offset, length, source_write, to_target)
        for write in list(self._writes_on_their_way):
            if write.offset == offset and write.length == length:
                while write.answers_missing:
                    await write.operation.waiters.wait(f"the target to have {write.operation}")


@plant("async-overtakes-copy", rows="TD-5", fixed=NEVER)
class OvertakesCopy(MirrorJob):
    """An asynchronous write does not wait for a copy of the same granule to end: old data lands over it.

    The copy has read the source before the write, and writes the target after it.
    """

    async def _send(self, write: _OnItsWay, to_target: TargetWrite) -> None:
        claim, write.operation.claim = write.operation.claim, (0, 0)
        try:
            await self.operations.wait_for_copies(write.operation)
        finally:
            write.operation.claim = claim
        offset, length = self.active_part(write.offset, write.length)
        if length:
            self.begin_part(offset, length)
            await self.send_part(offset, length, to_target)
        self._answered(write)


@plant("async-guest-waits-for-copy", rows="TD-5", fixed=NEVER)
class GuestWaitsForCopy(MirrorJob):
    """An asynchronous write waits for a copy of its granules before it reaches the source, as a blocking one does.

    As long as the job copies, guests are as slow as the target.
    """

    async def asynchronous_write_begin(self, offset: int, length: int) -> MirrorOperation:
        return await self.active_write_begin(offset, length)


@plant("async-failed-source-write-forgotten", rows="TD-5", fixed=NEVER)
class FailedSourceWriteForgotten(MirrorJob):
    """An asynchronous write that fails on the source is forgotten, though the target has its data: they differ."""

    def _answered(self, write: _OnItsWay) -> None:
        write.source_failed = False
        super()._answered(write)


@plant("async-failed-source-write-marked-at-once", rows="TD-5", fixed=NEVER)
class FailedSourceWriteMarkedAtOnce(MirrorJob):
    """An asynchronous write that fails on the source lets go while the target is still being written: stale data lands.

    Its range is marked and freed at once; the background copy brings the source's data, and then the target's half of
    the failed write lands over it.
    """

    def _answered(self, write: _OnItsWay) -> None:
        if write.source_failed and write.answers_missing == 2:
            self.mark_touched(write.offset, write.length)
            self.actively_synced = False
            write.operation.claim = None
            write.operation.waiters.wake_all()
            write.source_failed = False
        super()._answered(write)


@plant("async-failed-target-write-forgotten", rows="TD-5 QE-15", fixed=NEVER)
class FailedTargetWriteForgotten(MirrorJob):
    """The target's half of an asynchronous write fails and its range stays clean: nobody copies it."""

    async def _send(self, write: _OnItsWay, to_target: TargetWrite) -> None:
        async def failing_silently(part_offset: int, part_length: int) -> None:
            try:
                await to_target(part_offset, part_length)
            except BlockIoError as error:
                self.request_failed(error.errno, is_read=False)

        await super()._send(write, failing_silently)


@plant("async-target-error-fails-guest", rows="TD-5 QE-15", fixed=NEVER)
class TargetErrorFailsGuest(MirrorJob):
    """A guest's asynchronous write fails because the target's half of it did, before the source had answered."""

    async def asynchronous_write(
        self, offset: int, length: int, source_write: SourceWrite, to_target: TargetWrite
    ) -> None:
        failures: list[BlockIoError] = []

        async def noting(part_offset: int, part_length: int) -> None:
            try:
                await to_target(part_offset, part_length)
            except BlockIoError as error:
                failures.append(error)
                raise

        await super().asynchronous_write(offset, length, source_write, noting)
        if failures:
            raise failures[0]


@plant("async-flush-does-not-wait", rows="TD-5", fixed=NEVER)
class FlushDoesNotWait(MirrorJob):
    """A guest's flush does not wait for what is on its way: after it the target lacks what the guest thinks is safe."""

    async def flush_both(self) -> None:
        await self.source.flush()
        if self.flushes_target():
            try:
                await self.target.flush()
            except BlockIoError as error:
                self.request_failed(error.errno, is_read=False)


@plant("async-flush-of-source-only", rows="TD-5", fixed=NEVER)
class FlushOfSourceOnly(MirrorJob):
    """A guest's flush leaves the target's cache alone: nothing is ever durable there, since no guest waits for it."""

    def flushes_target(self) -> bool:
        return False


@plant("async-flush-waits-for-later-writes", rows="TD-5", fixed=NEVER)
class FlushWaitsForLaterWrites(MirrorJob):
    """A guest's flush waits until nothing at all is on its way: under a load that does not end it never returns."""

    async def flush_both(self) -> None:
        while self._writes_on_their_way:
            write = self._writes_on_their_way[0]
            await write.operation.waiters.wait(f"the target to have {write.operation}")
        await super().flush_both()


@plant("async-fua-is-no-flush", rows="TD-5", fixed=NEVER)
class FuaIsNoFlush(MirrorFilter):
    """A write with FUA is a FUA write of the source only: the target has it when it has it, and not durably."""

    supports_fua = True

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        await super().do_write(offset, data, fua)
        if fua:
            await self.source.flush()


@plant("async-failed-source-write-stays-synced", rows="TD-5 GAP-09", fixed=NEVER)
class FailedSourceWriteStaysSynced(MirrorJob):
    """After an asynchronous write that failed on the source the job still says that it is actively synced."""

    def _answered(self, write: _OnItsWay) -> None:
        synced = self.actively_synced
        super()._answered(write)
        if write.source_failed:
            self.actively_synced = synced


@plant("async-drain-forgets-what-is-on-its-way", rows="TD-5 D1", fixed=NEVER)
class DrainForgetsWhatIsOnItsWay(MirrorJob):
    """A drained section begins while asynchronous writes are on their way, since no guest waits for them.

    At the end of the job the target takes the source's place and is written by both.
    """

    def drained_busy(self) -> bool:
        writes, self._writes_on_their_way = self._writes_on_their_way, []
        try:
            return super().drained_busy()
        finally:
            self._writes_on_their_way = writes


@plant("paused-job-does-not-mirror", rows="TD-5", fixed=NEVER)
class PausedJobDoesNotMirror(MirrorJob):
    """While the job is paused writes go to the source alone and are dirty: a pause ends what the mode promises."""

    def mirrors_actively(self) -> bool:
        return super().mirrors_actively() and not self.paused


@plant("mirrored-read-only-when-ready", rows="TD-4", fixed=NEVER)
class MirroredReadOnlyWhenReady(MirrorJob):
    """Reads are mirrored once the job is ready: when nothing is dirty any more, and no copy is saved."""

    def mirrors_reads(self) -> bool:
        return super().mirrors_reads() and self.is_ready


@plant("mirrored-read-claims-nothing", rows="TD-4", fixed=NEVER)
class MirroredReadClaimsNothing(MirrorJob):
    """A mirrored read keeps nobody off what it reads: it writes stale data over a newer write."""

    def _claim_run(self, first: int, end: int) -> MirrorOperation:
        operation = super()._claim_run(first, end)
        operation.claim = None
        return operation


@plant("mirrored-read-cleans-afterwards", rows="TD-4", fixed=NEVER)
class MirroredReadCleansAfterwards(MirrorJob):
    """A mirrored read cleans its granules once they are on the target: what was dirtied meanwhile is lost.

    Its data is what was there when it was read; a write in background mode, from before a switch, comes in between.
    """

    def _claim_run(self, first: int, end: int) -> MirrorOperation:
        operation = super()._claim_run(first, end)
        self.bitmap.set(first, end - first)
        return operation

    async def _send_run(self, run: MirrorOperation, data: bytes) -> None:
        try:
            await self.target.write(run.offset, data)
        except BlockIoError as error:
            self.request_failed(error.errno, is_read=False)
        else:
            self.bitmap.reset(run.offset, run.length)
            self.progress_done(run.length)
        self._end_run(run)


@plant("mirrored-read-cleans-parts", rows="TD-4", fixed=NEVER)
class MirroredReadCleansParts(MirrorJob):
    """A granule that a mirrored read covers in part is taken for one that it covers whole, and is clean afterwards."""

    def readable_runs(self, offset: int, length: int) -> list[tuple[int, int]]:
        granularity, size = self.granularity_bytes, self.source.size_bytes
        first = offset // granularity * granularity
        end = min(-(-(offset + length) // granularity) * granularity, size)
        runs = super().readable_runs(first, end - first)
        for run_first, run_end in runs:
            self.bitmap.reset(run_first, run_end - run_first)
        return [(max(run_first, offset), min(run_end, offset + length)) for run_first, run_end in runs]


@plant("mirrored-read-error-forgotten", rows="TD-4", fixed=NEVER)
class MirroredReadErrorForgotten(MirrorJob):
    """What a mirrored read could not send to the target stays clean: nobody will copy it."""

    async def _send_run(self, run: MirrorOperation, data: bytes) -> None:
        await super()._send_run(run, data)
        self.bitmap.reset(run.offset, run.length)


@plant("mirrored-read-error-fails-guest", rows="TD-4", fixed=NEVER)
class MirroredReadErrorFailsGuest(MirrorJob):
    """A guest's read fails because what it read could not be sent to the target."""

    async def _send_run(self, run: MirrorOperation, data: bytes) -> None:
        await super()._send_run(run, data)
        if self.bitmap.get(run.offset):
            raise BlockIoError(errno_numbers.EIO)


@plant("mirrored-read-source-error-forgotten", rows="TD-4", fixed=NEVER)
class MirroredReadSourceErrorForgotten(MirrorJob):
    """A mirrored read that fails on the source leaves clean what it had claimed: it is never copied."""

    async def mirrored_read(self, offset: int, length: int) -> bytes:
        dirty = self.readable_runs(offset, length)
        try:
            return await super().mirrored_read(offset, length)
        except BlockIoError:
            for first, end in dirty:
                self.bitmap.reset(first, end - first)
            raise


@plant("mirrored-read-source-error-is-the-jobs", rows="TD-4 QE-10", fixed=NEVER)
class MirroredReadSourceErrorIsTheJobs(MirrorJob):
    """A guest's read that fails is taken for one of the job's: a bad sector that the guest asked for ends the job."""

    async def mirrored_read(self, offset: int, length: int) -> bytes:
        try:
            return await super().mirrored_read(offset, length)
        except BlockIoError as error:
            self.request_failed(error.errno, is_read=True)
            raise


@plant("mirrored-read-widened", rows="TD-4", fixed=NEVER)
class MirroredReadWidened(MirrorJob):
    """A mirrored read is widened to whole granules, so that it cleans all of them: guests wait for more than that."""

    async def mirrored_read(self, offset: int, length: int) -> bytes:
        granularity, size = self.granularity_bytes, self.source.size_bytes
        first = offset // granularity * granularity
        end = min(-(-(offset + length) // granularity) * granularity, size)
        data = await super().mirrored_read(first, end - first)
        return data[offset - first : offset - first + length]


@plant("mirrored-read-waits", rows="TD-4", fixed=NEVER)
class MirroredReadWaits(MirrorJob):
    """A mirrored read waits until its whole range is free, as a write does: reads are as slow as copies."""

    async def mirrored_read(self, offset: int, length: int) -> bytes:
        await self.operations.wait_until_free(offset, length)
        return await super().mirrored_read(offset, length)


@plant("ready-amid-mirrored-read", rows="TD-4", fixed="2026, seen by exploring schedules of the reference")
class ReadyAmidMirroredRead(MirrorJob):
    """A job is ready and in sync while a mirrored read is still sending what it has cleaned: the target is no copy.

    Found by exploring schedules of the reference, which counted such reads as active writes only.
    """

    @property
    def mirrored_reads_count(self) -> int:
        return 0

    @mirrored_reads_count.setter
    def mirrored_reads_count(self, count: int) -> None:
        pass


@plant("read-mirrored-after-cancel", rows="TD-4 C27", fixed=NEVER)
class ReadMirroredAfterCancel(MirrorJob):
    """After a forced cancel reads still write to the target: somebody else may have it by then."""

    def mirrors_reads(self) -> bool:
        return not self.has_failed and self.copy_mode is CopyMode.READ_WRITE_BLOCKING


@plant("switch-cleans-bitmap", rows="TD-1", fixed=NEVER)
class SwitchCleansBitmap(MirrorJob):
    """Becoming active makes everything clean, as if the mode made the disks equal: what was dirty is never copied."""

    def on_set_options(self, options: Mapping[str, Any]) -> None:
        super().on_set_options(options)
        if options.get("copy-mode", CopyMode.BACKGROUND) != CopyMode.BACKGROUND:
            self.bitmap.clear()


@plant("switch-to-background-stays-synced", rows="TD-1", fixed=NEVER)
class SwitchToBackgroundStaysSynced(MirrorJob):
    """After a switch to background mode the job still says that it is actively synced, until the first write."""

    def on_set_options(self, options: Mapping[str, Any]) -> None:
        synced = self.actively_synced
        super().on_set_options(options)
        self.actively_synced = synced


@plant("switch-back-never-synced", rows="TD-1", fixed=NEVER)
class SwitchBackNeverSynced(MirrorJob):
    """After a switch away from active mode and back the job never says again that it is actively synced."""

    _left_active_mode = False

    def on_set_options(self, options: Mapping[str, Any]) -> None:
        super().on_set_options(options)
        self._left_active_mode = self._left_active_mode or self.copy_mode is CopyMode.BACKGROUND

    def __setattr__(self, name: str, value: object) -> None:
        if name == "actively_synced" and value and self._left_active_mode:
            value = False
        super().__setattr__(name, value)


@plant("switch-drops-writes-under-way", rows="TD-1 C24", fixed=NEVER)
class SwitchDropsWritesUnderWay(MirrorJob):
    """A write that began in active mode asks for the mode once more after the source has it, and is not mirrored then.

    After a switch to background mode it is neither on the target nor dirty.
    """

    async def active_write_to_target(self, offset: int, length: int, to_target: TargetWrite) -> None:
        if self.copy_mode is not CopyMode.BACKGROUND:
            await super().active_write_to_target(offset, length, to_target)


@plant("switch-waits-for-writes", rows="TD-1", fixed=NEVER)
class SwitchWaitsForWrites(JobCommands):
    """A switch waits until everything that is under way has ended, and keeps guests out: it may take for ever."""

    async def _wait_and_set_options(self, arguments: dict[str, Any]) -> dict[str, Any]:
        job = self._jobs.get(arguments["id"])
        if isinstance(job, MirrorJob):
            await job.source.drained_begin_and_wait()
            job.source.unquiesce()
        return self._set_options(arguments)

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        return super().handlers() | {"job-change": self._wait_and_set_options}


@plant("options-set-by-halves", rows="TD-1", fixed=NEVER)
class OptionsSetByHalves(MirrorJob):
    """A change of options that is refused has set those that came before the bad one."""

    def on_set_options(self, options: Mapping[str, Any]) -> None:
        if "copy-mode" in options:
            super().on_set_options({"type": options["type"], "copy-mode": options["copy-mode"]})
        super().on_set_options(options)
