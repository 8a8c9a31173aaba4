"""The filter above the source, through which every guest request passes while a mirror runs.

Its edge to the source has the role that QEMU gives it, ``backing``, and what writes the target is a user of its own
beside it. `reference_impl.mirror_children` has the other layout, in which both disks are children of the filter.

In background mode a write marks what it changed in the dirty bitmap, after the source has it: a copy that ran in
between would otherwise clear the mark and take old data (C9). In active mode the write goes to the target as well, and
the guest's request ends when both have it.

The filter owns the dirty bitmap, so that nothing can be missed between its insertion and the start of the job (C20,
C26), and whether a write is copied is decided once for each write (C24).

Source: facts 6b and real-qemu G (what an unaligned active write does), A9 (discards), QE-15 to QE-18; GCIO-1 and TD-8
for reads.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.edges import Bystander
from reference_impl.graph import BlockStatus, Edge, Graph, Node
from reference_impl.mirror_options import CopyMode
from reference_impl.permissions import CONSISTENT_READ, NO_ACCESS, WRITE, Access

if TYPE_CHECKING:
    from reference_impl.mirror import MirrorJob

SourceWrite = Callable[[], Awaitable[None]]
"""Does the guest's write on the source."""

TargetWrite = Callable[[int, int], Awaitable[None]]
"""Sends the part of a guest's write that lies at (offset, length) on the disk to the target."""


class MirrorFilter(Node):
    """The filter node; its child in the role `source_role` is the source.

    :ivar command_features: what `query-qmp-schema` says of commands because of this layout, by command.
    :ivar job: the mirror that it serves; None before the job exists and after it has ended.
    :ivar bitmap: what differs, or may differ, between source and target.
    :ivar for_commit: whether the target is below the source. Nothing between the two is consistent then, and that the
        target is written must not count against the filter.
    :ivar stopped: whether nothing may pass any more, so that nothing is needed of the source (BF-08).
    """

    driver = "mirror_top"
    is_filter = True
    is_of_job = True
    supports_reopening = False
    bitmap_class = DirtyBitmap
    source_role = "backing"
    command_features: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    supports_fua = False  # a FUA write becomes a write and a flush of the source

    def __init__(self, graph: Graph, name: str, source: Node, granularity_bytes: int) -> None:
        super().__init__(graph, name)
        self._source = source
        self.for_commit = False
        self.stopped = False
        self.job: MirrorJob | None = None
        self.bitmap = self.bitmap_class(source.size_bytes, granularity_bytes)
        self.bitmap.disable()  # the filter marks it, not the block layer
        self.bitmaps.append(self.bitmap)

    @property
    def source(self) -> Node:
        """The node below."""
        edge = self.children.get(self.source_role)
        return edge.node if edge is not None else self._source

    def use_target(self, target: Node, access: Access) -> list[Edge]:
        """Get the right to write the target; return the edges that the job has to give back.

        :raise QmpError: when the permissions conflict with those of other users, or the target is read-only.
        """
        return [Edge(Bystander(), target, "root", access)]

    @property
    def size_bytes(self) -> int:
        return self.source.size_bytes

    @property
    def filename(self) -> str:
        return self.source.filename

    def child_access(self, edge: Edge, users: Access) -> Access:
        if self.stopped:
            return NO_ACCESS
        if self.for_commit:
            return Access(users.needed & ~CONSISTENT_READ, users.shared | WRITE)
        return users

    async def do_read(self, offset: int, length: int) -> bytes:
        if self.job is not None and self.job.mirrors_reads():
            return await self.job.mirrored_read(offset, length)
        return await self.source.read(offset, length)

    async def do_flush(self) -> None:
        if self.job is not None:
            await self.job.flush_both()
        else:
            await self.source.flush()

    async def do_block_status(self, offset: int, length: int) -> BlockStatus:
        return await self.source.block_status(offset, length)

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        async def to_target(part_offset: int, part_length: int) -> None:
            start = part_offset - offset
            assert self.job is not None
            await self.job.target.write(part_offset, data[start : start + part_length])

        await self._write(offset, len(data), partial(self.source.write, offset, data), to_target)

    async def do_write_zeroes(self, offset: int, length: int, may_unmap: bool, fua: bool) -> None:
        async def to_target(part_offset: int, part_length: int) -> None:
            assert self.job is not None
            await self.job.target.write_zeroes(part_offset, part_length, may_unmap=may_unmap)

        on_source = partial(self.source.write_zeroes, offset, length, may_unmap=may_unmap)
        await self._write(offset, length, on_source, to_target)

    async def do_discard(self, offset: int, length: int) -> None:
        async def to_target(part_offset: int, part_length: int) -> None:
            assert self.job is not None
            await self.job.target.discard(part_offset, part_length)

        await self._write(offset, length, partial(self.source.discard, offset, length), to_target)

    def copies_to_target(self) -> bool:
        """Whether a write that comes now is to be mirrored with the guest waiting for it."""
        job = self.job
        return job is not None and job.mirrors_actively()

    async def _write(self, offset: int, length: int, source_write: SourceWrite, to_target: TargetWrite) -> None:
        job = self.job if self.copies_to_target() else None
        if job is None:
            try:
                await source_write()
            finally:
                self.mark_changed(offset, length)
            return
        if job.copy_mode is CopyMode.WRITE_ASYNC and job.to_target_clusters(offset, length) == (offset, length):
            await job.asynchronous_write(offset, length, source_write, to_target)
            return
        operation = await job.active_write_begin(offset, length)
        try:
            await source_write()
            await job.active_write_to_target(offset, length, to_target)
        finally:
            job.active_write_end(operation)

    def mark_changed(self, offset: int, length: int) -> None:
        """Note that the source has data that the target has not."""
        if length:
            self.bitmap.set(offset, length)
        if self.job is not None:
            self.job.actively_synced = False
