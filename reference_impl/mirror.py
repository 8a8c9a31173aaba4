"""The mirror job: copies a source to a target while the guest goes on writing, and keeps them equal.

The *background copy* walks over the dirty bitmap and copies what it finds, at most 16 operations at a time. An *active
write* (copy mode ``write-blocking``) is a guest's write that goes to the target before the guest is answered; it cleans
the granules that it covers whole. When nothing is dirty and nothing is in flight, the disks are equal and the job is
READY; in active mode they stay equal from then on.

Progress: the total is what is done, what is dirty, what background operations have in flight, and what active writes
have in flight. A background turn computes it anew; an active write adds its bytes to both ends.

Source: facts open-points 6b, real-qemu G (numbers), historic bugs C1 to C51.
"""

from __future__ import annotations

import enum
import errno as errno_numbers
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reference_impl.graph import BlockIoError, Node
from reference_impl.hbitmap_iterator import HBitmapIterator
from reference_impl.job import ErrorAction, ErrorPolicy, IoStatus, Job, JobFailed, JobHost
from reference_impl.mirror_filter import MirrorFilter, TargetWrite
from reference_impl.mirror_operations import IN_FLIGHT_MAX, MirrorOperation, MirrorOperations
from reference_impl.qmp_errors import QmpError
from reference_impl.rate_limit import SLICE_NS

OPERATION_BYTES_MAX = 1024 * 1024
"""What one copy moves at most, unless a sixteenth of the buffer is more."""

BUFFER_BYTES_DEFAULT = 16 * 1024 * 1024

BUFFER_BYTES_ALLOCATABLE_MAX = 1 << 47
"""No address space holds a larger buffer: the job fails when it asks for one (real-qemu F)."""

VECTOR_ELEMENTS_MAX = 1024
"""A copy uses one vector element a granule, and a request takes no more than this many (C45)."""


class CopyMode(enum.StrEnum):
    """Who copies what a guest writes: the background copy, later, or the write itself."""

    BACKGROUND = "background"
    WRITE_BLOCKING = "write-blocking"


class SyncMode(enum.StrEnum):
    """What is copied besides what the guest writes from now on."""

    FULL = "full"
    TOP = "top"
    NONE = "none"


class CopyMethod(enum.Enum):
    """How a range gets to the target."""

    COPY = "copy"
    ZERO = "zero"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorOptions:
    """What a mirror was asked to do, after all defaults.

    :ivar granularity_bytes: a power of two from 512 to 64 MiB.
    :ivar buffer_bytes: 0 or less was refused or replaced before; rounded up to the granularity here.
    :ivar unmap: whether zeroes may be written by deallocating.
    :ivar zero_target: whether the target may hold anything, so that zeroes and holes have to be brought to it too.
    """

    sync: SyncMode
    granularity_bytes: int
    buffer_bytes: int = BUFFER_BYTES_DEFAULT
    on_source_error: ErrorPolicy = ErrorPolicy.REPORT
    on_target_error: ErrorPolicy = ErrorPolicy.REPORT
    copy_mode: CopyMode = CopyMode.BACKGROUND
    unmap: bool = True
    zero_target: bool = True


class MirrorJob(Job):
    """A mirror of the node below `mirror_filter` to `target`.

    :ivar failed_errno: the first error that the policy said to report; 0 as long as there is none.
    :ivar in_flight: background operations that hold a slot. :ivar bytes_in_flight: what they move.
    :ivar active_bytes_in_flight: what active writes are sending to the target.
    :ivar actively_synced: whether source and target are equal and are kept so by active writes.
    """

    kind = "mirror"
    operations_class = MirrorOperations

    def __init__(
        self,
        host: JobHost,
        job_id: str,
        mirror_filter: MirrorFilter,
        target: Node,
        options: MirrorOptions,
        *,
        to_replace: Node | None = None,
        base: Node | None = None,
        auto_finalize: bool = True,
        auto_dismiss: bool = True,
    ) -> None:
        super().__init__(host, job_id, auto_finalize=auto_finalize, auto_dismiss=auto_dismiss)
        self.filter = mirror_filter
        self.source = mirror_filter.source
        self.target = target
        self.base = base
        self.options = options
        self.copy_mode = options.copy_mode
        self.granularity_bytes = options.granularity_bytes
        self.bitmap = mirror_filter.bitmap
        self.buffers_count = -(-options.buffer_bytes // options.granularity_bytes)
        self.buffers_free_count = self.buffers_count
        self.operations = self.operations_class(self.scheduler, self.granularity_bytes, lambda: self.has_failed)
        self.failed_errno = 0
        self.in_flight = 0
        self.bytes_in_flight = 0
        self.active_writes_count = 0
        self.active_bytes_in_flight = 0
        self.actively_synced = False
        self.should_complete = False
        self.in_own_drain = False
        self._to_replace = to_replace
        self._zeroing = False
        self._last_pause_ns = 0
        self._source_drained = False
        self._cursor: HBitmapIterator | None = None
        self.hold(mirror_filter, "main node")
        self.hold(self.source, "source")
        self.hold(target, "target")

    @property
    def buffer_bytes(self) -> int:
        """The buffer's size, a multiple of the granularity (C46)."""
        return self.buffers_count * self.granularity_bytes

    @property
    def has_failed(self) -> bool:
        """Whether an error was reported: nothing new is started, and guest writes go to the source only."""
        return self.failed_errno != 0

    @property
    def operation_bytes_max(self) -> int:
        """What one copy moves at most."""
        return max(OPERATION_BYTES_MAX, self.buffer_bytes // IN_FLIGHT_MAX)

    # The run

    async def run(self) -> None:
        """Copy until the disks are equal and somebody asks for the end; leave with nothing in flight, and drained."""
        failure: JobFailed | None = None
        try:
            await self._copy_until_complete()
        except JobFailed as error:
            failure = error
        await self._wait_for_all_background()
        if not self._source_drained:
            await self._drain_source()
        if failure is not None:
            raise failure

    async def _copy_until_complete(self) -> None:
        if self.is_cancelled:
            return
        if self.source.size_bytes != self.target.size_bytes:
            raise JobFailed(errno_numbers.EINVAL, "Source and target image have different sizes")
        if not self.source.size_bytes:
            await self._serve_empty_disk()
            return
        if self.buffer_bytes > BUFFER_BYTES_ALLOCATABLE_MAX:
            raise JobFailed(errno_numbers.ENOMEM)
        self._last_pause_ns = self.scheduler.now_ns
        if self.options.sync is not SyncMode.NONE:
            await self._mark_what_to_copy()
        while True:
            if self.has_failed:
                raise JobFailed(self.failed_errno)
            await self.pause_point()
            if self.is_cancelled or await self._turn():
                return

    async def _serve_empty_disk(self) -> None:
        """A disk of no bytes is ready at once, and has an end like any other (C15, QA-18)."""
        self.become_ready()
        self.actively_synced = self.copy_mode is not CopyMode.BACKGROUND
        while not self.cancelled and not self.should_complete:
            await self.wait_to_be_entered("complete or cancel")

    async def _turn(self) -> bool:
        """One turn of the main loop; return whether the job has come to its end."""
        dirty_bytes = self.bitmap.count_bytes
        self.progress_set_remaining(self.bytes_in_flight + dirty_bytes + self.active_bytes_in_flight)
        since_pause_ns = self.scheduler.now_ns - self._last_pause_ns
        if since_pause_ns < SLICE_NS and self.io_status is IoStatus.OK:
            if (
                self.in_flight >= IN_FLIGHT_MAX
                or not self.buffers_free_count
                or (not dirty_bytes and self.in_flight > 0)
            ):
                await self.operations.wait_for_any_background()
                return False
            if dirty_bytes:
                await self._start_next_copies()
        should_complete = False
        if not self.in_flight and not dirty_bytes:
            if not self.is_ready:
                if not await self._flush_target():
                    return False
                self.become_ready()
            if self.copy_mode is not CopyMode.BACKGROUND:
                self.actively_synced = True
            should_complete = self.should_complete or self.cancelled
            dirty_bytes = self.bitmap.count_bytes
        if should_complete and not dirty_bytes:
            return await self._try_to_end()
        if not self.is_ready or should_complete:
            await self.rate_limit_sleep()
        elif not self.in_flight and not dirty_bytes:
            await self.sleep(SLICE_NS)
        self._last_pause_ns = self.scheduler.now_ns
        return False

    async def _try_to_end(self) -> bool:
        """Keep the guest out, look again, and end if the disks are still equal (C21, C22)."""
        await self._drain_source()
        if self.bitmap.count_bytes == 0 and await self._flush_target():
            return True
        self._undrain_source()
        return False

    async def _drain_source(self) -> None:
        self.in_own_drain = True
        self._source_drained = True
        await self.source.drained_begin_and_wait()

    def _undrain_source(self) -> None:
        self.source.unquiesce()
        self._source_drained = False
        self.in_own_drain = False

    async def _flush_target(self) -> bool:
        """Flush the target; an error is handled as the policy says, and means that the disks are not in sync yet."""
        try:
            await self.target.flush()
        except BlockIoError as error:
            self.request_failed(error.errno, is_read=False)
            return False
        return True

    # What is to be copied

    async def _mark_what_to_copy(self) -> None:
        size = self.source.size_bytes
        if self.options.zero_target:
            if not self.target.writes_zeroes_with_unmap:
                self.bitmap.set(0, size)
                return
            await self._zero_target()
        await self._mark_allocated()

    async def _zero_target(self) -> None:
        """Make the whole target read as zeroes, which is cheap here, so that holes need not be copied.

        What this moves is not progress (C41).
        """
        size = self.source.size_bytes
        piece_bytes = (2**31 - 1) // self.granularity_bytes * self.granularity_bytes
        self._zeroing = True
        for offset in range(0, size, piece_bytes):
            await self._throttle()
            if self.is_cancelled:
                self._zeroing = False
                return
            if self.in_flight >= IN_FLIGHT_MAX:
                await self.operations.wait_for_any_background()
            self._launch(offset, min(piece_bytes, size - offset), CopyMethod.ZERO)
        await self._wait_for_all_background()
        self._zeroing = False

    async def _mark_allocated(self) -> None:
        """Mark what the source itself holds, above the base."""
        offset, size = 0, self.source.size_bytes
        while offset < size:
            await self._throttle()
            if self.is_cancelled:
                return
            try:
                length, allocated = await self.allocated_above_base(offset, size - offset)
            except BlockIoError as error:
                raise JobFailed(error.errno) from error
            if allocated:
                self.bitmap.set(offset, length)
            offset += length

    async def allocated_above_base(self, offset: int, length: int) -> tuple[int, bool]:
        """(length of the first run that is alike, whether a node above the base holds it)."""
        status = await self.source.block_status(offset, length)
        return status.length_bytes, status.allocated

    async def _throttle(self) -> None:
        """Give others a turn every 100 ms while the disk is being looked over (C55)."""
        now_ns = self.scheduler.now_ns
        if now_ns - self._last_pause_ns > SLICE_NS:
            self._last_pause_ns = now_ns
            await self.sleep(0)
        else:
            await self.pause_point()

    # The background copy

    async def _start_next_copies(self) -> None:
        """Start copying the next run of dirty granules, as far as the buffer allows."""
        offset = self._next_dirty()
        await self.operations.wait_until_free(offset, 1)
        await self.pause_point()
        granules = self._collect_run(offset)
        length = granules * self.granularity_bytes
        # Clean first, ask later: what is dirtied while the questions below are answered must stay dirty (C10).
        self.bitmap.reset(offset, min(length, self.source.size_bytes - offset))
        run = self.operations.add(offset, length, pseudo=True)
        self.operations.claim(run)
        try:
            await self._start_copies_of(run)
        finally:
            self.operations.remove(run)

    def _next_dirty(self) -> int:
        offset = self._cursor.next() if self._cursor is not None else -1
        if offset < 0:
            self._cursor = self.bitmap.iterator()
            offset = self._cursor.next()
        return offset

    def _collect_run(self, offset: int) -> int:
        """How many granules from `offset` on are dirty, free, and fit the buffer; the cursor moves behind them."""
        granularity = self.granularity_bytes
        count = 1
        while count * granularity < self.buffer_bytes:
            following = offset + count * granularity
            if following >= self.source.size_bytes or not self.bitmap.get(following):
                break
            granule = following // granularity
            if self.operations.is_claimed(granule, granule + 1):
                break
            if self._cursor is None or self._cursor.next() != following:
                # The iterator does not see what was dirtied after it looked (B12): let it look again.
                self._cursor = self.bitmap.iterator(following)
                self._cursor.next()
            count += 1
        return count

    async def _start_copies_of(self, run: MirrorOperation) -> None:
        offset, end = run.offset, run.offset + run.length
        while offset < min(end, self.source.size_bytes):
            length, method = await self._choose_method(offset, end - offset)
            while self.in_flight >= IN_FLIGHT_MAX:
                await self.operations.wait_for_any_background()
            if self.has_failed:  # start nothing after a fatal error (C47)
                return
            length = min(length, self.source.size_bytes - offset)
            length = self._launch(offset, length, method)
            offset += -(-length // self.granularity_bytes) * self.granularity_bytes
            assert run.claim is not None
            run.claim = (offset // self.granularity_bytes, run.claim[1])
            counted = 0 if method is not CopyMethod.COPY and self.target.writes_zeroes_with_unmap else length
            self.limit.account(counted, self.scheduler.now_ns)

    async def _choose_method(self, offset: int, length: int) -> tuple[int, CopyMethod]:
        """How much to send at once, and how: zeroes and unallocated space need no copying."""
        granularity = self.granularity_bytes
        try:
            status = await self.source.block_status(offset, min(length, self.source.size_bytes - offset))
        except BlockIoError:
            # The read will meet the error again, and knows what to do with it.
            return max(min(length, self.operation_bytes_max) // granularity * granularity, granularity), CopyMethod.COPY
        run = min(status.length_bytes, length)
        if status.data:
            run = min(run, self.operation_bytes_max)
        whole = run // granularity * granularity
        if not whole:
            return granularity, CopyMethod.COPY
        if status.data or not self._aligned_to_target_clusters(offset, whole):
            return whole, CopyMethod.COPY
        return whole, CopyMethod.ZERO if status.zero else CopyMethod.DISCARD

    def _aligned_to_target_clusters(self, offset: int, length: int) -> bool:
        cluster = self.target.cluster_size_bytes or 1
        end = offset + length
        return offset % cluster == 0 and (end % cluster == 0 or end == self.target.size_bytes)

    def _launch(self, offset: int, length: int, method: CopyMethod) -> int:
        """Start one operation and return how many bytes it took on."""
        if method is CopyMethod.COPY:
            length = min(length, self.buffer_bytes, self.granularity_bytes * VECTOR_ELEMENTS_MAX)
        operation = self.operations.add(offset, length)
        self.operations.claim(operation)
        self.scheduler.start(self._operate(operation, method), f"mirror {method.value} {offset}+{length}")
        return length

    async def _operate(self, operation: MirrorOperation, method: CopyMethod) -> None:
        buffers = 0
        if method is CopyMethod.COPY:
            buffers = -(-operation.length // self.granularity_bytes)
            while self.buffers_free_count < buffers:
                await self.operations.wait_for_any_background()
            self.buffers_free_count -= buffers
        self.in_flight += 1
        self.bytes_in_flight += operation.length
        operation.started = True
        reading = method is CopyMethod.COPY
        try:
            if method is CopyMethod.COPY:
                data = await self.source.read(operation.offset, operation.length)
                reading = False
                await self.target.write(operation.offset, data)
            elif method is CopyMethod.ZERO:
                await self.target.write_zeroes(operation.offset, operation.length, may_unmap=self.options.unmap)
            else:
                await self.target.discard(operation.offset, operation.length)
        except BlockIoError as error:
            self.bitmap.set(operation.offset, operation.length)
            self.request_failed(error.errno, is_read=reading)
            succeeded = False
        else:
            succeeded = True
        self._operation_done(operation, buffers, succeeded)

    def _operation_done(self, operation: MirrorOperation, buffers: int, succeeded: bool) -> None:
        self.in_flight -= 1
        self.bytes_in_flight -= operation.length
        self.buffers_free_count += buffers
        if succeeded and not self._zeroing:
            self.progress_done(operation.length)
        self.graph.drain_progressed()
        self.operations.remove(operation)

    async def _wait_for_all_background(self) -> None:
        while self.in_flight:
            await self.operations.wait_for_any_background()

    def request_failed(self, errno: int, *, is_read: bool) -> None:
        """Do what the policy says about a failed request; the first reported error is the job's."""
        self.actively_synced = False
        policy = self.options.on_source_error if is_read else self.options.on_target_error
        action = self.error_action(policy, is_read=is_read, errno=errno)
        if action is ErrorAction.REPORT and not self.failed_errno:
            self.failed_errno = errno

    # Active writes

    def mirrors_actively(self) -> bool:
        """Whether a guest's write that comes now goes to the target too: not after an error or forced cancel (C27)."""
        return not self.has_failed and not self.is_cancelled and self.copy_mode is CopyMode.WRITE_BLOCKING

    async def active_write_begin(self, offset: int, length: int) -> MirrorOperation:
        """Enter a guest's write and wait until its whole range is free; nobody else works on it until its end."""
        operation = self.operations.add(offset, length, active=True)
        operation.started = True
        self.active_writes_count += 1
        await self.operations.wait_until_free(offset, length, operation)
        self.operations.claim(operation)
        return operation

    async def active_write_to_target(self, offset: int, length: int, to_target: TargetWrite) -> None:
        """Send what the source has just got to the target, and clean what is thereby equal.

        A failure never fails the guest's write: the range is dirty then, and the policy decides what becomes of the
        job (QE-15 to QE-17).
        """
        offset, length = self.active_part(offset, length)
        if not length:
            return
        self.clean_covered(offset, length)
        self.progress_increase_remaining(length)
        self.active_bytes_in_flight += length
        try:
            await to_target(offset, length)
        except BlockIoError as error:
            self.active_bytes_in_flight -= length
            self.mark_touched(offset, length)
            self.request_failed(error.errno, is_read=False)
        else:
            self.active_bytes_in_flight -= length
            self.progress_done(length)

    def active_part(self, offset: int, length: int) -> tuple[int, int]:
        """The part of a guest's write that an active write sends.

        A dirty granule that the write covers only in part is left out at either end: it would have to stay dirty, and
        the background copy will bring the new data with the rest. A clean one is not left out, or it would become
        different (C1, 151-3).
        """
        granularity = self.granularity_bytes
        head = -offset % granularity
        if head and self.bitmap.get(offset):
            if length <= head:
                return offset, 0
            offset += head
            length -= head
        tail = (offset + length) % granularity
        if length and tail and self.bitmap.get(offset + length - 1):
            if length <= tail:
                return offset, 0
            length -= tail
        return offset, length

    def clean_covered(self, offset: int, length: int) -> None:
        """Clean the granules that the range covers whole, and no other (BF-03)."""
        granularity = self.granularity_bytes
        first = -(-offset // granularity) * granularity
        end = (offset + length) // granularity * granularity
        if first < end:
            self.bitmap.reset(first, end - first)

    def mark_touched(self, offset: int, length: int) -> None:
        """Mark every granule that the range touches."""
        self.bitmap.set(offset, length)

    def active_write_end(self, operation: MirrorOperation) -> None:
        """Give the range back."""
        self.active_writes_count -= 1
        self.operations.remove(operation)

    # Verbs and hooks

    def on_cancel(self, force: bool) -> bool:
        """Before READY every cancel is a forced one; afterwards a soft one completes, without the switch (C28, C29)."""
        return force or not self.is_ready

    def on_complete(self) -> None:
        self.should_complete = True
        if not self.paused:  # a paused job meets the wish when it is resumed (C40)
            self.enter()

    def on_change(self, options: Mapping[str, Any]) -> None:
        """Switch the copy mode, for writes that start from now on; back to background is not offered (QS-16, QS-17)."""
        if options["type"] != self.kind:
            raise QmpError(f"Job '{self.id}' is not of type '{options['type']}'")
        copy_mode = CopyMode(options["copy-mode"])
        if copy_mode is self.copy_mode:
            return
        if copy_mode is CopyMode.BACKGROUND:
            raise QmpError(f"Change to copy mode '{copy_mode}' is not implemented")
        self.copy_mode = copy_mode

    async def on_pause(self) -> None:
        await self._wait_for_all_background()

    def requests_in_flight(self) -> bool:
        # A job that is neither paused nor cancelled may start another request, unless the drain is its own (D1).
        if not self.paused and not self.is_cancelled and not self.in_own_drain:
            return True
        return self.in_flight > 0

    def prepare(self) -> None:
        """Let the target take the source's place, or only take the filter away after a soft cancel."""
        self._exit(success=True)

    def abort(self) -> None:
        self._exit(success=False)

    def _exit(self, *, success: bool) -> None:
        """Take the filter out, and put the target in the source's place if the job was asked to complete.

        Nothing may pass the filter meanwhile (D5): whoever is let go on finds the graph as it will be.
        """
        if self.filter.job is not self:  # prepare has done it
            return
        mirror_filter, target = self.filter, self.target
        mirror_filter.job = None
        mirror_filter.quiesce()
        target.quiesce()
        self.let_go()
        if success and self.should_complete:
            self.graph.replace(self._to_replace or self.source, target)
        self.graph.replace(mirror_filter, mirror_filter.source)
        self.graph.remove(mirror_filter)
        target.unquiesce()
        if self._source_drained:
            self._undrain_source()

    def clean(self) -> None:
        """Let go of the nodes, and of the target if it was opened for the job alone."""
        self.let_go()
        self.graph.remove_unused()

    def driver_info(self) -> dict[str, Any]:
        return {"actively-synced": self.actively_synced}
