"""Bugs in active writes and in the filter: what goes to the target, what is cleaned, what is marked, and when."""

from __future__ import annotations

from functools import partial

from reference_impl.graph import Graph, Node
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_filter import MirrorFilter, SourceWrite, TargetWrite
from reference_impl.mirror_options import CopyMode
from reference_impl.mutants.planting import plant


@plant("unaligned-active-write-cleans-chunk", rows="C1 BF-03 BF-04", fixed="2019-10, dbdf699cad, 4.2")
class UnalignedWriteCleansChunk(MirrorJob):
    """An active write of part of a dirty granule cleans all of it: the rest is never copied, and nobody notices.

    The range was rounded outward to granules when it was cleaned, and was sent as it was.
    """

    def active_part(self, offset: int, length: int) -> tuple[int, int]:
        return offset, length

    def clean_covered(self, offset: int, length: int) -> None:
        granularity = self.granularity_bytes
        first = offset // granularity * granularity
        end = min(-(-(offset + length) // granularity) * granularity, self.source.size_bytes)
        self.bitmap.reset(first, end - first)


@plant("clean-head-skipped", rows="C1", fixed="2019-10, dbdf699cad, 4.2")
class CleanHeadSkipped(MirrorJob):
    """A write that begins within a clean granule leaves that part out: it is on the source alone.

    Only a dirty granule may be left out, since only that will be copied later.
    """

    def active_part(self, offset: int, length: int) -> tuple[int, int]:
        head = -offset % self.granularity_bytes
        if head:
            if length <= head:
                return offset, 0
            offset, length = offset + head, length - head
        return super().active_part(offset, length)


@plant("clean-tail-skipped", rows="C1", fixed="2019-10, dbdf699cad, 4.2")
class CleanTailSkipped(MirrorJob):
    """A write that ends within a clean granule leaves that part out: it is on the source alone."""

    def active_part(self, offset: int, length: int) -> tuple[int, int]:
        offset, length = super().active_part(offset, length)
        tail = (offset + length) % self.granularity_bytes
        return offset, max(length - tail, 0)


@plant("skipped-head-not-skipped-in-data", rows="C1", fixed="2019-10, dbdf699cad, 4.2")
class DataNotAdvanced(MirrorFilter):
    """The head that is left out of a write is not left out of its data: the target gets the wrong bytes."""

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        # Data of one value would hide it: a real guest's is not.
        async def to_target(part_offset: int, part_length: int) -> None:
            assert self.job is not None
            skipped = part_offset - offset
            part = data[:part_length] if not skipped else bytes(byte ^ 0xFF for byte in data[:part_length])
            await self.job.target.write(part_offset, part)

        await self._write(offset, len(data), partial(self.source.write, offset, data), to_target)


@plant("failed-write-marks-inner-part", rows="C1 QE-15", fixed="2019-10, dbdf699cad, 4.2")
class FailedWriteMarksInnerPart(MirrorJob):
    """After an active write has failed only the granules that it covers whole are marked: its ends are lost."""

    def mark_touched(self, offset: int, length: int) -> None:
        granularity = self.granularity_bytes
        first = -(-offset // granularity) * granularity
        end = (offset + length) // granularity * granularity
        if first < end:
            self.bitmap.set(first, end - first)


@plant("discard-cleans-bitmap", rows="C8", fixed="508249952c, 2.4")
class DiscardCleansBitmap(MirrorFilter):
    """A guest's discard makes its range clean: what is under it differs and is never copied."""

    def __init__(self, graph: Graph, name: str, source: Node, granularity_bytes: int) -> None:
        super().__init__(graph, name, source, granularity_bytes)
        self.unmap = True  # QEMU's own filter lets no discard through any more (A9)

    async def do_discard(self, offset: int, length: int) -> None:
        self.bitmap.reset(offset, length)
        await self.source.discard(offset, length)


@plant("dirtied-before-data-is-down", rows="C9", fixed="968d8b0627, 2.7")
class DirtiedBeforeDataIsDown(MirrorFilter):
    """A write in background mode marks its range before the source has the data: a copy in between takes the old data.

    That copy cleans the mark, and nothing marks it again.
    """

    async def _write(self, offset: int, length: int, source_write: SourceWrite, to_target: TargetWrite) -> None:
        if self.copies_to_target():
            await super()._write(offset, length, source_write, to_target)
            return
        self.mark_changed(offset, length)
        await source_write()


@plant("copy-mode-read-twice", rows="C24 BF-22", fixed="2023-10, 7b32ad2242, 8.2")
class CopyModeReadTwice(MirrorFilter):
    """Whether a write is copied is decided at its beginning and again after it: a switch in between loses it.

    It neither goes to the target nor is marked, since either half thinks that the other one does it.
    """

    async def _write(self, offset: int, length: int, source_write: SourceWrite, to_target: TargetWrite) -> None:
        if self.copies_to_target():
            await super()._write(offset, length, source_write, to_target)
            return
        await source_write()
        if not self.copies_to_target():
            self.mark_changed(offset, length)


@plant("dirty-tracking-below-the-filter", rows="C26 BF-22", fixed="2023-10, 058cfca564, 8.2")
class DirtyTrackingBelow(MirrorFilter):
    """The block layer goes on marking writes that the filter copies: all is copied twice, and never in sync."""

    def __init__(self, graph: Graph, name: str, source: Node, granularity_bytes: int) -> None:
        super().__init__(graph, name, source, granularity_bytes)
        self.bitmap.enable()


@plant("actively-synced-only-at-ready", rows="C25 BF-22", fixed="2023-10, c45d0e1af0, 8.2")
class SyncedOnlyAtReady(MirrorJob):
    """After a switch to active mode in READY the job never says that it is actively synced."""

    _said_at_ready = False

    def become_ready(self) -> None:
        super().become_ready()
        self._said_at_ready = self.copy_mode is not CopyMode.BACKGROUND

    def __setattr__(self, name: str, value: object) -> None:
        if name == "actively_synced" and value and not self._said_at_ready:
            value = False
        super().__setattr__(name, value)


@plant("active-copy-after-force-cancel", rows="C27 BF-18", fixed="2021-10, 9b230ef93e, 6.2")
class ActiveCopyAfterForceCancel(MirrorJob):
    """After a forced cancel guest writes still go to the target: somebody else may have it by then."""

    def mirrors_actively(self) -> bool:
        return not self.has_failed and self.copy_mode is not CopyMode.BACKGROUND


@plant("active-zero-shorter-than-chunk", rows="C23 BF-27", fixed="4a7b1bd18d, 11.0")
class ShortRangeNotChecked(MirrorJob):
    """An active write of less than a granule cleans a range of negative length: the program aborts."""

    def clean_covered(self, offset: int, length: int) -> None:
        granularity = self.granularity_bytes
        first = -(-offset // granularity) * granularity
        end = (offset + length) // granularity * granularity
        self.bitmap.reset(first, end - first)


@plant("progress-ignores-active-bytes", rows="C42 BF-19", fixed="2022-11, d69a879bdf, 7.2")
class ProgressIgnoresActiveBytes(MirrorJob):
    """What active writes have in flight is not counted as left: less than nothing is left in the end."""

    def progress_set_remaining(self, length_bytes: int) -> None:
        super().progress_set_remaining(length_bytes - self.active_bytes_in_flight)


@plant("synced-while-dirty", rows="C25", fixed="never released: seen in the reference by exploring")
class SyncedWhileDirty(MirrorJob):
    """A job becomes ready and actively synced although an active write failed while it flushed: it is not in sync.

    An early form of the reference did that; exploring its schedules showed it.
    """

    def become_ready(self) -> None:
        super().become_ready()
        self.actively_synced = self.copy_mode is not CopyMode.BACKGROUND
