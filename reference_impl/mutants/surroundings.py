"""Bugs at the borders of the job: the graph, permissions, overlays and their chains, other people's bitmaps."""

from __future__ import annotations

import errno as errno_numbers

from reference_impl.commit import CommitJob
from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.errors import ModelError
from reference_impl.graph import Edge, Graph, Node
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_commands import MirrorCommands
from reference_impl.mirror_filter import MirrorFilter
from reference_impl.mirror_operations import MirrorOperation
from reference_impl.mirror_options import CopyMethod
from reference_impl.mutants.planting import plant
from reference_impl.permissions import ALL, Access
from reference_impl.qmp_errors import QmpError


@plant("replaces-not-checked-at-the-end", rows="C54 BF-07", fixed="2020-02, 6e9cc05181, 5.0")
class ReplacesNotCheckedAtTheEnd(MirrorJob):
    """A node that may no longer be replaced when it comes to it is replaced all the same: its users see other data."""

    def check_may_replace(self, replaced: Node) -> None:
        pass


@plant("only-direct-children-are-spared", rows="UG-2", fixed="4.0")
class OnlyDirectChildrenAreSpared(Graph):
    """When a node takes another's place only its own links stay, not those further below: it ends up below itself.

    That was the rule of the series of 2018. A target gets into such a place when it is given a backing file that is an
    overlay of the source.
    """

    def stays_below(self, edge: Edge, new: Node) -> bool:
        return edge.parent is new


@plant("exit-runs-twice", rows="D6", fixed="f93c3add3a, 4.2")
class ExitRunsTwice(MirrorJob):
    """A job whose target is refused the source's place is ended twice: the second time the filter is gone, a crash."""

    def abort(self) -> None:
        self.filter.job = self  # that it has been taken out is forgotten
        super().abort()


@plant("permissions-kept-at-the-end", rows="D15", fixed="63c8ef2890, 2.10")
class PermissionsKeptAtTheEnd(MirrorJob):
    """The job still needs the target for itself when it is to take the source's place: that is refused to it."""

    def let_go(self) -> None:
        if self.filter.name not in self.graph.nodes:
            super().let_go()


@plant("unpaused-twice-on-detach", rows="D3", fixed="5cb2737e92, 4.1")
class UnpausedTwiceOnDetach(MirrorJob):
    """A job that lets go of a drained node is resumed by that and once more by the end of the drain: an abort."""

    def let_go(self) -> None:
        drained_count = sum(edge.parent_quiesced for edge in self.edges if edge.parent is self)
        super().let_go()
        for _ in range(drained_count):
            self.drained_end()


@plant("backing-installed-on-abort", rows="C52 BF-30", fixed="2018-09, c2924ceaa7, 3.1")
class BackingInstalledOnAbort(MirrorJob):
    """A job that fails puts the target over its backing file all the same: the image shows another disk."""

    def abort(self) -> None:
        super().abort()
        if "backing" not in self.graph.skip_filters(self.target).children:
            self._give_backing()


@plant("backing-opened-at-complete", rows="C53 BF-11", fixed="2021-04, c41f5b96ee, 6.0")
class BackingOpenedAtComplete(MirrorJob):
    """The target's backing file is opened when the job is told to complete: too early, and the command is refused."""

    def on_complete(self) -> None:
        failure = self._give_backing()
        if failure is not None:
            raise QmpError(str(failure))
        self.give_backing = None
        super().on_complete()


@plant("implicit-filter-visible", rows="D19", fixed="d3c8c67469, 2.10")
class ImplicitFilterVisible(MirrorFilter):
    """A filter that nobody has named is shown as a device's medium: whoever looks finds a node that he never made."""

    @property
    def is_implicit(self) -> bool:
        return False


@plant("commit-base-left-writable", rows="A20 BF-24", fixed="2024-04, 7d99ae59a2, 9.1")
class CommitBaseLeftWritable(CommitJob):
    """After a commit that was aborted the image below can still be written, although it could not be before."""

    def restore_target(self) -> None:
        pass


@plant("filter-shares-everything", rows="A21 BF-31", fixed="2021-02, 53431b9086, 6.0")
class FilterSharesEverything(MirrorFilter):
    """While a mirror runs others may do to the source what its users do not share: the image is not locked any more."""

    def child_access(self, edge: Edge, users: Access) -> Access:
        needed, _ = super().child_access(edge, users)
        return Access(needed, ALL)


@plant("cow-extension-missing", rows="C17 BF-32", fixed="2023-07, fc6b211f92, 8.2")
class CopyOnWriteExtensionMissing(MirrorJob):
    """A granule is copied alone into a new cluster of a target without its backing file: there are zeroes around it.

    QEMU has had it right for clusters since 1.4 and for parts of clusters since 8.2. Here it is wrong for both.
    """

    def to_target_clusters(self, offset: int, length: int) -> tuple[int, int]:
        return offset, length


@plant("cow-align-exceeds-buffer", rows="A8", fixed="open")
class CopyOnWriteExceedsBuffer(MirrorJob):
    """A copy of a whole buffer is widened to clusters of the target, and is more than the buffer then: an abort."""

    def cut_at_cluster(self, offset: int, length: int, length_max: int) -> int:
        return length

    def _launch(self, offset: int, length: int, method: CopyMethod) -> int:
        _, widened = self.to_target_clusters(offset, length)
        if method is CopyMethod.COPY and widened > self.buffer_bytes:
            raise ModelError(f"a copy of {widened} bytes with a buffer of {self.buffer_bytes}")
        return super()._launch(offset, length, method)


@plant("zero-bitmap-hides-backing", rows="A1", fixed="open")
class ZeroesTakenForWritten(MirrorJob):
    """Zeroes are not written to a target that reads as zeroes while its backing file is missing: it shows later."""

    def _launch(self, offset: int, length: int, method: CopyMethod) -> int:
        image = self.graph.skip_filters(self.target)
        if method is not CopyMethod.ZERO or not image.backing_file or "backing" in image.children:
            return super()._launch(offset, length, method)
        self.progress_set_remaining(self.progress_remaining - length)
        return length


class _SpoilingBitmap(DirtyBitmap):
    others: list[DirtyBitmap]

    def reset(self, offset: int, length: int) -> None:
        super().reset(offset, length)
        for other in self.others:
            if other is not self:
                other.reset(offset, length)


@plant("foreign-bitmaps-changed", rows="B18", fixed="c4237dfa63, 2.3")
class ForeignBitmapsChanged(MirrorFilter):
    """What the job cleans it cleans in all bitmaps of the source: users' own do not know any more what was written."""

    bitmap_class = _SpoilingBitmap

    def __init__(self, graph: Graph, name: str, source: Node, granularity_bytes: int) -> None:
        super().__init__(graph, name, source, granularity_bytes)
        assert isinstance(self.bitmap, _SpoilingBitmap)
        self.bitmap.others = source.bitmaps


@plant("failed-start-leaves-bitmap", rows="D16 BF-29", fixed="2018-11, e917e2cb2a, 4.0")
class FailedStartLeavesBitmap(MirrorCommands):
    """A start that is refused late leaves the job's bitmap at the source: an abort when the disk is closed."""

    def _take_out(self, mirror_filter: MirrorFilter, source: Node) -> None:
        super()._take_out(mirror_filter, source)
        source.bitmaps.append(mirror_filter.bitmap)


@plant("too-many-iovec-elements", rows="C45", fixed="2016, e4808881cb, 2.7")
class TooManyVectorElements(MirrorJob):
    """A copy takes an element of a vector a granule, however many a request may have: EINVAL from nowhere."""

    vector_elements_max = 1 << 30

    async def _operate(self, operation: MirrorOperation, method: CopyMethod) -> None:
        elements = -(-operation.length // self.granularity_bytes)
        if method is not CopyMethod.COPY or elements <= MirrorJob.vector_elements_max:
            await super()._operate(operation, method)
            return
        self.in_flight += 1
        self.bitmap.set(operation.offset, operation.length)
        self.request_failed(errno_numbers.EINVAL, is_read=True)
        self._operation_done(operation, 0, succeeded=False)


@plant("tail-iovec-too-long", rows="C7", fixed="5a0f6fd5c8, 2.1")
class TailVectorTooLong(MirrorJob):
    """The vector of a last granule that is not full has room for a full one, the request has not: a crash."""

    async def _operate(self, operation: MirrorOperation, method: CopyMethod) -> None:
        vector_bytes = -(-operation.length // self.granularity_bytes) * self.granularity_bytes
        if method is CopyMethod.COPY and vector_bytes != operation.length:
            raise ModelError(f"a vector of {vector_bytes} bytes for a request of {operation.length}")
        await super()._operate(operation, method)
