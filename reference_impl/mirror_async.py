"""Asynchronous active writes: source and target are written at the same time, and the guest waits for the source only.

What is on its way to the target is remembered, whole, in memory that the job's buffer bounds: when it is full, the next
write waits, so the source can never run away from the target. A write keeps its range from its beginning until both
disks have answered; writes that overlap therefore reach both disks in the same order, and no background copy can come
between. A copy that is under way already does not keep the guest waiting: the source is written at once, and the target
when the copy has ended. A flush waits for everything that was on its way when it came, and is then done on both disks.

This mode is not QEMU's: the series of 2018 left it to do. Its specification is ``docs/modes.md``. Source: TD-5.
"""

from __future__ import annotations

from typing import Any

from reference_impl.graph import BlockIoError
from reference_impl.mirror_active import ActiveWrites
from reference_impl.mirror_filter import SourceWrite, TargetWrite
from reference_impl.mirror_operations import MirrorOperation
from reference_impl.mirror_options import CopyMode
from reference_impl.scheduler import WaitQueue


class _OnItsWay:
    """One write of which the target has not answered, or the source has not."""

    __slots__ = ("acknowledged", "answers_missing", "length", "offset", "operation", "source_failed")

    def __init__(self, operation: MirrorOperation, offset: int, length: int) -> None:
        self.operation = operation
        self.offset = offset
        self.length = length
        self.answers_missing = 2
        self.acknowledged = False
        self.source_failed = False


class AsynchronousWrites(ActiveWrites):
    """The part of a mirror that answers guests before the target has.

    :ivar bytes_on_their_way: what writes that have not ended keep in memory; at most the buffer, unless a single write
        is larger.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.bytes_on_their_way = 0
        self._writes_on_their_way: list[_OnItsWay] = []
        self._room = WaitQueue(self.scheduler)

    async def asynchronous_write(
        self, offset: int, length: int, source_write: SourceWrite, to_target: TargetWrite
    ) -> None:
        """Write to both disks at once; return when the source has the data.

        :raise BlockIoError: when the source's write failed. The target may have the data then, so the range is dirty.
        """
        operation = await self.asynchronous_write_begin(offset, length)
        await self._wait_for_room(length)
        write = _OnItsWay(operation, offset, length)
        self._writes_on_their_way.append(write)
        self.bytes_on_their_way += length
        self.scheduler.start(self._send(write, to_target), f"mirror asynchronous write {offset}+{length}")
        try:
            await source_write()
        except BlockIoError:
            write.source_failed = True
            raise
        finally:
            write.acknowledged = True
            self._answered(write)

    async def asynchronous_write_begin(self, offset: int, length: int) -> MirrorOperation:
        """Enter a guest's write: it waits for those of the same bytes only, and keeps others off its granules."""
        operation = self.operations.add(offset, length, active=True)
        operation.asynchronous = True
        self.active_writes_count += 1
        await self.operations.wait_for_guests(operation)
        self.operations.claim(operation)
        return operation

    async def _wait_for_room(self, length: int) -> None:
        while self.bytes_on_their_way and self.bytes_on_their_way + length > self.buffer_bytes:
            await self._room.wait(f"room for {length} bytes in the buffer")

    async def _send(self, write: _OnItsWay, to_target: TargetWrite) -> None:
        """Send a write to the target, but for dirty granules that it covers in part; after a copy that is under way."""
        await self.operations.wait_for_copies(write.operation)
        offset, length = self.active_part(write.offset, write.length)
        if length:
            self.begin_part(offset, length)
            await self.send_part(offset, length, to_target)
        self._answered(write)

    def _answered(self, write: _OnItsWay) -> None:
        write.answers_missing -= 1
        if write.answers_missing:
            return
        if write.source_failed:
            # Only the source knows what a failed write left there: it has to be copied from it.
            self.mark_touched(write.offset, write.length)
            self.actively_synced = False
        self._writes_on_their_way.remove(write)
        self.bytes_on_their_way -= write.length
        self.active_write_end(write.operation)
        self._room.wake_all()
        self.graph.drain_progressed()

    async def flush_both(self) -> None:
        """A guest's flush: on both disks, after everything that was acknowledged before it is on the target.

        :raise BlockIoError: when the source's flush failed. A failed flush of the target is the policy's affair.
        """
        for write in list(self._writes_on_their_way):
            while write.acknowledged and write.answers_missing:
                await write.operation.waiters.wait(f"the target to have {write.operation}")
        await self.source.flush()
        if self.flushes_target():
            try:
                await self.target.flush()
            except BlockIoError as error:
                self.request_failed(error.errno, is_read=False)

    def flushes_target(self) -> bool:
        """Whether a guest's flush is one of the target too."""
        return not self.has_failed and not self.is_cancelled and self.copy_mode is CopyMode.WRITE_ASYNC

    def drained_busy(self) -> bool:
        # The guest has its answer, so nobody but the job knows that the target is still being written.
        return bool(self._writes_on_their_way) or super().drained_busy()
