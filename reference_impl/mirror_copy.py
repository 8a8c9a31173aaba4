"""The background copy: walks over the dirty bitmap and copies what it finds, at most 16 operations at a time.

A run of dirty granules is claimed as a whole, cleaned, and then started piece by piece; each piece is copied, written
as zeroes or discarded, as the source's block status says. What fails is dirty again.

Source: facts open-points 6b; historic bugs C4 to C13, C43 to C47; BF-05.
"""

from __future__ import annotations

from reference_impl.chains import block_status_above
from reference_impl.graph import BlockIoError
from reference_impl.mirror_operations import MirrorOperation
from reference_impl.mirror_options import VECTOR_ELEMENTS_MAX, CopyMethod
from reference_impl.mirror_state import MirrorState


class BackgroundCopy(MirrorState):
    """The part of a mirror that copies what is dirty."""

    vector_elements_max = VECTOR_ELEMENTS_MAX

    async def _start_next_copies(self) -> None:
        """Start copying the next run of dirty granules, as far as the buffer allows."""
        offset = self._next_dirty()
        await self.operations.wait_until_free(*self.to_target_clusters(offset, 1))
        await self.pause_point()
        granules = self._collect_run(offset)
        first = offset
        offset, length = self.to_target_clusters(first, granules * self.granularity_bytes)
        if self.cow_cluster_bytes and self.operations.is_claimed(*self.operations.granules(offset, length)):
            # Somebody works on what would have to be brought along; the first cluster is free.
            offset, length = self.to_target_clusters(first, self.granularity_bytes)
        # Clean first, ask later: what is dirtied while the questions below are answered must stay dirty (C10).
        self.bitmap.reset(offset, length)
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
            while self.in_flight >= self.in_flight_max:
                await self.operations.wait_for_any_background()
            if not self.may_start_more():
                return
            length = min(length, self.source.size_bytes - offset)
            length = self._launch(offset, length, method)
            offset += -(-length // self.granularity_bytes) * self.granularity_bytes
            assert run.claim is not None
            run.claim = (offset // self.granularity_bytes, run.claim[1])
            counted = 0 if method is not CopyMethod.COPY and self.target.writes_zeroes_with_unmap else length
            self.limit.account(counted, self.scheduler.now_ns)

    def may_start_more(self) -> bool:
        """Whether the rest of a run may be started: nothing is after a fatal error (C47)."""
        return not self.has_failed

    async def _choose_method(self, offset: int, length: int) -> tuple[int, CopyMethod]:
        """How much to send at once, and how: zeroes and unallocated space need no copying."""
        granularity = self.granularity_bytes
        try:
            status = await block_status_above(self.graph, self.source, None, offset, length)
        except BlockIoError:
            # The read will meet the error again, and knows what to do with it.
            return max(min(length, self.operation_bytes_max) // granularity * granularity, granularity), CopyMethod.COPY
        run = min(status.length_bytes, length)
        if status.data:
            run = min(run, self.operation_bytes_max)
        whole = run // granularity * granularity
        if not whole:
            return self.cut_at_cluster(offset, granularity, length), CopyMethod.COPY
        cut = self.cut_at_cluster(offset, whole, length)
        if cut > whole:
            return cut, CopyMethod.COPY
        whole = cut
        if status.data or not self._aligned_to_target_clusters(offset, whole):
            return whole, CopyMethod.COPY
        return whole, CopyMethod.ZERO if status.zero else CopyMethod.DISCARD

    def _aligned_to_target_clusters(self, offset: int, length: int) -> bool:
        """Whether a range is whole clusters; the last one of a disk that ends within it is none (case 259)."""
        cluster = self.target.subcluster_size_bytes or 1
        return offset % cluster == 0 and length % cluster == 0

    def _launch(self, offset: int, length: int, method: CopyMethod) -> int:
        """Start one operation and return how many bytes it took on."""
        if method is CopyMethod.COPY:
            limit = min(length, self.buffer_bytes, self.granularity_bytes * self.vector_elements_max)
            length = self.cut_at_cluster(offset, limit, limit)
        operation = self.operations.add(offset, length)
        self.operations.claim(operation)
        # Counted from now on, though it may yet have to wait for buffers: no longer dirty, and still to be done (C42).
        self.bytes_in_flight += length
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
            self.note_copied(operation.offset, operation.length)
        self._operation_done(operation, buffers, succeeded)

    def _operation_done(self, operation: MirrorOperation, buffers: int, succeeded: bool) -> None:
        self.in_flight -= 1
        self.bytes_in_flight -= operation.length
        self.buffers_free_count += buffers
        if succeeded and not self._zeroing:
            self.progress_done(operation.length)
        self.graph.drain_progressed()
        self.operations.remove(operation)
