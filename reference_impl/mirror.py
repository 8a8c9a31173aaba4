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

import errno as errno_numbers
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reference_impl.chains import block_status_above
from reference_impl.graph import BlockIoError, Node
from reference_impl.job import IGNORED_ERRORS_MAX, ErrorPolicy, IoStatus, JobFailed
from reference_impl.mirror_async import AsynchronousWrites
from reference_impl.mirror_copy import BackgroundCopy
from reference_impl.mirror_options import BUFFER_BYTES_ALLOCATABLE_MAX, CopyMethod, CopyMode, SyncMode
from reference_impl.mirror_reads import MirroredReads
from reference_impl.qmp_errors import QmpError, parameter_expects
from reference_impl.rate_limit import SLICE_NS


class MirrorJob(BackgroundCopy, AsynchronousWrites, MirroredReads):
    """The whole job: its run, its end, its verbs."""

    kind = "mirror"

    @property
    def has_marked_what_to_copy(self) -> bool:
        """Whether the disk has been looked over: only from then on the bitmap says what differs."""
        return self._cursor is not None or self.is_ready

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
        self.check_sizes()
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
            if self.ignored_errors_count >= IGNORED_ERRORS_MAX:
                # Where storage fails at once, trying again and again would never let any time pass.
                self.ignored_errors_count = 0
                await self.sleep(SLICE_NS)
            if self.is_cancelled or await self._turn():
                return

    def check_sizes(self) -> None:
        """Fail when the disks are not of one size (C14, QA-17)."""
        self.adapt_sizes()

    def adapt_sizes(self) -> None:
        """Let the target be as long as the source, or refuse what is not (BF-06)."""
        if self.source.size_bytes != self.target.size_bytes:
            raise JobFailed(errno_numbers.EINVAL, "Source and target image have different sizes")

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
                self.in_flight >= self.in_flight_max
                or not self.buffers_free_count
                or (not dirty_bytes and self.in_flight > 0)
            ):
                await self.operations.wait_for_any_background()
                return False
            if dirty_bytes:
                await self._start_next_copies()
            elif self.mirrored_reads_count:
                # What they clean is not on the target yet: the job is neither ready nor in sync before it is.
                await self.wait_for_mirrored_read()
                return False
        should_complete = False
        if not self.in_flight and not dirty_bytes and not self.mirrored_reads_count:
            if not self.is_ready:
                if not await self._flush_target():
                    return False
                self.become_ready()
            # An active write may have failed while the target was flushed: then something is dirty again.
            is_equal = not self.bitmap.count_bytes and not self.mirrored_reads_count
            if self.copy_mode is not CopyMode.BACKGROUND and is_equal:
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
            if self.in_flight >= self.in_flight_max:
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
        status = await block_status_above(self.graph, self.source, self.base, offset, length)
        return status.length_bytes, status.allocated

    async def _throttle(self) -> None:
        """Give others a turn every 100 ms while the disk is being looked over (C55)."""
        now_ns = self.scheduler.now_ns
        if now_ns - self._last_pause_ns > SLICE_NS:
            self._last_pause_ns = now_ns
            await self.sleep(0)
        else:
            await self.pause_point()

    # Verbs and hooks

    def on_cancel(self, force: bool) -> bool:
        """Before READY every cancel is a forced one; afterwards a soft one completes, without the switch (C28, C29)."""
        return force or not self.is_ready

    def on_complete(self) -> None:
        self.should_complete = True
        if not self.paused:  # a paused job meets the wish when it is resumed (C40)
            self.enter()

    def on_change(self, options: Mapping[str, Any]) -> None:
        """Switch the copy mode, to any and from any, for writes that start from now on.

        QEMU offers the way from background to active only (QS-17); the way back is specified in ``docs/modes.md``.
        """
        self.on_set_options(options)

    def on_set_options(self, options: Mapping[str, Any]) -> None:
        """Set options of the running job, all or none; writes that are under way end as they began.

        Leaving active mode gives up nothing that was acknowledged, and what is written from then on is dirty, so that
        a switch back needs no full copy (``docs/modes.md``).
        """
        if options["type"] != self.kind:
            raise QmpError(f"Job '{self.id}' is not of type '{options['type']}'")
        if options.get("speed", 0) < 0:
            raise parameter_expects("speed", "a non-negative value")
        if "speed" in options:
            self.set_speed(options["speed"])
        old = self.options
        self.options = replace(
            old,
            on_source_error=ErrorPolicy(options.get("on-source-error", old.on_source_error)),
            on_target_error=ErrorPolicy(options.get("on-target-error", old.on_target_error)),
        )
        if "copy-mode" in options:
            self.copy_mode = CopyMode(options["copy-mode"])
            if self.copy_mode is CopyMode.BACKGROUND:
                self.actively_synced = False

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
        failure: JobFailed | None = None
        self.release_chain()
        self.let_go()
        self.set_filter_stopped()
        if success:
            failure = self._give_backing()
        if success and failure is None and self.should_complete:
            failure = self._take_place()
        self.graph.replace(mirror_filter, mirror_filter.source)
        self.graph.remove(mirror_filter)
        target.unquiesce()
        if self._source_drained:
            self._undrain_source()
        if failure is not None:
            raise failure

    def release_chain(self) -> None:
        """Let links be changed again that the job relied on."""

    def set_filter_stopped(self) -> None:
        """Let the filter need nothing any more: the target may be about to become what the source was (BF-08)."""
        with self.graph.transaction():
            self.filter.stopped = True

    def _give_backing(self) -> JobFailed | None:
        """Put below the target what is to be there, after a soft cancel too; return why that fails, if it does (C53).

        A job that fails leaves the target as it is (C52).
        """
        try:
            if self.give_backing is not None:
                self.give_backing()
        except JobFailed as error:
            return error
        return None

    def _take_place(self) -> JobFailed | None:
        """Put the target where the source is; return why that is refused, if it is."""
        replaced, target = self._to_replace or self.source, self.target
        target.read_only = target.read_only or replaced.read_only  # TP-18: a guest that may only read goes on so
        try:
            self.check_may_replace(replaced)
            self.graph.replace(replaced, target)
        except QmpError as error:
            failure = JobFailed(errno_numbers.EPERM)
            failure.__cause__ = error
            return failure
        return None

    def check_may_replace(self, replaced: Node) -> None:
        """Look once more whether the target shows what the node does that it is to replace (BF-07).

        :raise QmpError: when it may not: the graph has changed since the start.
        """
        if not self.graph.can_replace(self.source, replaced):
            raise QmpError(
                f"Can no longer replace '{replaced.name}' by '{self.target.name}', because it can no longer be "
                "guaranteed that doing so would not lead to an abrupt change of visible data"
            )

    def clean(self) -> None:
        """Let go of the nodes, and of the target if it was opened for the job alone."""
        self.let_go()
        self.graph.remove_unused()

    def driver_info(self) -> dict[str, Any]:
        return {"actively-synced": self.actively_synced}
