"""Mirrored reads: what a guest reads of a dirty range goes to the target too, and need not be read again.

Only whole granules are sent, and only those that are dirty and that nobody works on: a read never waits for anybody's
operation. Each run of them is claimed and cleaned before the source is read, so that a write that comes later waits,
and what is read is what the target gets. A failure dirties the run again and never fails the read.

This mode is not QEMU's: the series of 2018 left it to do. Its specification is ``docs/modes.md``. Source: TD-4.
"""

from __future__ import annotations

from typing import Any

from reference_impl.graph import BlockIoError
from reference_impl.mirror_operations import MirrorOperation
from reference_impl.mirror_options import CopyMode
from reference_impl.mirror_state import MirrorState
from reference_impl.scheduler import WaitQueue


class MirroredReads(MirrorState):
    """The part of a mirror that takes guests' reads along.

    :ivar mirrored_reads_count: how many runs have been cleaned and are not on the target yet. Unlike an active write's,
        their data is not new: without it the target is no copy, so nobody is READY or in sync meanwhile.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.mirrored_reads_count = 0
        self._mirrored_read_ended = WaitQueue(self.scheduler)

    def mirrors_reads(self) -> bool:
        """Whether what a guest reads now goes to the target."""
        return not self.has_failed and not self.is_cancelled and self.copy_mode is CopyMode.READ_WRITE_BLOCKING

    async def wait_for_mirrored_read(self) -> None:
        """Wait until some run of a mirrored read has ended."""
        await self._mirrored_read_ended.wait("a mirrored read to end")

    async def mirrored_read(self, offset: int, length: int) -> bytes:
        """Read from the source, and send what was dirty to the target before returning.

        :raise BlockIoError: when the source's read failed.
        """
        runs = [self._claim_run(first, end) for first, end in self.readable_runs(offset, length)]
        try:
            data = await self.source.read(offset, length)
        except BlockIoError:
            for run in runs:
                self.bitmap.set(run.offset, run.length)
                self._end_run(run)
            raise
        for run in runs:
            await self._send_run(run, data[run.offset - offset : run.offset - offset + run.length])
        return data

    def readable_runs(self, offset: int, length: int) -> list[tuple[int, int]]:
        """Runs of whole granules inside the range that are dirty and free, as (first byte, behind the last)."""
        granularity, size = self.granularity_bytes, self.source.size_bytes
        runs: list[tuple[int, int]] = []
        start = -(-offset // granularity) * granularity
        while start < offset + length:
            end = min(start + granularity, size)
            granule = start // granularity
            if end > offset + length:
                break
            if self.bitmap.get(start) and not self.operations.is_claimed(granule, granule + 1):
                if runs and runs[-1][1] == start:
                    runs[-1] = (runs[-1][0], end)
                else:
                    runs.append((start, end))
            start += granularity
        return runs

    def _claim_run(self, first: int, end: int) -> MirrorOperation:
        operation = self.operations.add(first, end - first, active=True)
        self.operations.claim(operation)
        self.active_writes_count += 1
        self.mirrored_reads_count += 1
        self.active_bytes_in_flight += end - first
        self.bitmap.reset(first, end - first)
        # What is done here may have become dirty after the job's last turn, which counts what is left.
        self.progress_set_remaining(self.bytes_in_flight + self.bitmap.count_bytes + self.active_bytes_in_flight)
        return operation

    async def _send_run(self, run: MirrorOperation, data: bytes) -> None:
        try:
            await self.target.write(run.offset, data)
        except BlockIoError as error:
            self.bitmap.set(run.offset, run.length)
            self.request_failed(error.errno, is_read=False)
        else:
            self.progress_done(run.length)
        self._end_run(run)

    def _end_run(self, run: MirrorOperation) -> None:
        self.active_bytes_in_flight -= run.length
        self.active_writes_count -= 1
        self.mirrored_reads_count -= 1
        self.operations.remove(run)
        self._mirrored_read_ended.wake_all()
        self.graph.drain_progressed()
