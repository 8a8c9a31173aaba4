"""What all parts of a mirror job share: the two disks, the bitmap, the counters, and what an error means."""

from __future__ import annotations

from collections.abc import Callable

from reference_impl.graph import Node
from reference_impl.hbitmap_iterator import HBitmapIterator
from reference_impl.job import ErrorAction, Job, JobHost
from reference_impl.mirror_filter import MirrorFilter
from reference_impl.mirror_operations import IN_FLIGHT_MAX, MirrorOperations
from reference_impl.mirror_options import OPERATION_BYTES_MAX, MirrorOptions
from reference_impl.permissions import CONSISTENT_READ, NONE, RESIZE, WRITE, WRITE_UNCHANGED, Access
from reference_impl.qmp_errors import QmpError

_ALL_BUT_RESIZE = CONSISTENT_READ | WRITE | WRITE_UNCHANGED


class MirrorState(Job):
    """A mirror of the node below `mirror_filter` to `target`: what its background copy and its active writes share.

    :ivar failed_errno: the first error that the policy said to report; 0 as long as there is none.
    :ivar in_flight: background operations that hold a slot. :ivar bytes_in_flight: what they move, and those do that
        wait for one.
    :ivar active_bytes_in_flight: what active writes are sending to the target.
    :ivar give_backing: gives the target what is to be below it when all is copied; None if nothing is to.
    :ivar actively_synced: whether source and target are equal and are kept so by active writes.
    """

    operations_class = MirrorOperations
    in_flight_max = IN_FLIGHT_MAX

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
        self.cow_cluster_bytes = self._cow_cluster_bytes()
        self._copied_clusters: set[int] = set()
        self.buffers_count = -(-max(options.buffer_bytes, self.cow_cluster_bytes) // options.granularity_bytes)
        self.buffers_free_count = self.buffers_count
        self.operations = self.operations_class(self.scheduler, self.granularity_bytes, lambda: self.has_failed)
        self.failed_errno = 0
        self.ignored_errors_count = 0
        self.in_flight = 0
        self.bytes_in_flight = 0
        self.active_writes_count = 0
        self.active_bytes_in_flight = 0
        self.actively_synced = False
        self.should_complete = False
        self.in_own_drain = False
        self.give_backing: Callable[[], None] | None = None
        self._to_replace = to_replace
        self._zeroing = False
        self._last_pause_ns = 0
        self._source_drained = False
        self._cursor: HBitmapIterator | None = None
        try:
            self.hold(mirror_filter, "main node", Access(CONSISTENT_READ, _ALL_BUT_RESIZE))
        except QmpError:
            self.drop()
            raise

    def open_target(self) -> None:
        """Get hold of both disks.

        :raise QmpError: when the permissions conflict with those of other users, or the target is read-only.
        """
        needed, shared = WRITE, WRITE_UNCHANGED
        if self.target_is_below:
            # What is written there shows above as well, and is what was there already.
            shared |= CONSISTENT_READ | WRITE
            if self.source.size_bytes > self.target.size_bytes:
                needed |= RESIZE
        self.edges += self.filter.use_target(self.target, Access(needed, shared))
        self.hold(self.source, "source", Access(NONE, _ALL_BUT_RESIZE))
        self.hold(self.target, "target")

    @property
    def target_is_below(self) -> bool:
        """Whether the source is an overlay of the target, as in an active commit."""
        return self.target in self.graph.chain(self.source)

    @property
    def buffer_bytes(self) -> int:
        """The buffer's size, a multiple of the granularity (C46)."""
        return self.buffers_count * self.granularity_bytes

    # Targets that cannot fill up their clusters themselves

    def _cow_cluster_bytes(self) -> int:
        """The target's cluster size if the job has to mind it, else 0 (C17, 041-G, 041-I-large_cluster).

        A target whose backing file is not there yet would fill the rest of a cluster with zeroes, through which the
        backing file could never be seen. So the first copy to a cluster brings all of it; where clusters have parts
        that can be there alone, all of such a part (BF-32).
        """
        image = self.graph.skip_filters(self.target)
        needed = image.backing_file and "backing" not in image.children
        cluster = image.subcluster_size_bytes
        return cluster if needed and self.granularity_bytes < cluster else 0

    def to_target_clusters(self, offset: int, length: int) -> tuple[int, int]:
        """The range widened to whole clusters of the target, where they are still to be copied."""
        cluster = self.cow_cluster_bytes
        if not cluster or not length:
            return offset, length
        end = offset + length
        if offset // cluster not in self._copied_clusters:
            offset = offset // cluster * cluster
        if (end - 1) // cluster not in self._copied_clusters:
            end = min(-(-end // cluster) * cluster, self.source.size_bytes)
        return offset, end - offset

    def cut_at_cluster(self, offset: int, length: int, length_max: int) -> int:
        """How much of a range to take at once that no cluster is cut: less than `length`, or else a cluster (A8)."""
        cluster = self.cow_cluster_bytes
        if not cluster or (length == length_max and (offset + length) % cluster == 0):
            return length
        end = (offset + length) // cluster * cluster
        if end > offset:
            return end - offset
        return min(offset // cluster * cluster + cluster - offset, length_max)

    def note_copied(self, offset: int, length: int) -> None:
        """Note which clusters of the target are there now."""
        cluster = self.cow_cluster_bytes
        if cluster:
            self._copied_clusters.update(range(offset // cluster, -(-(offset + length) // cluster)))

    @property
    def has_failed(self) -> bool:
        """Whether an error was reported: nothing new is started, and guest writes go to the source only."""
        return self.failed_errno != 0

    @property
    def operation_bytes_max(self) -> int:
        """What one copy moves at most."""
        return max(OPERATION_BYTES_MAX, self.buffer_bytes // IN_FLIGHT_MAX)

    async def _wait_for_all_background(self) -> None:
        """Wait until no background operation is left, nor one that waits for buffers and would start meanwhile."""
        while True:
            if self.in_flight:
                await self.operations.wait_for_any_background()
            elif not await self.operations.wait_for_unstarted():
                return

    def request_failed(self, errno: int, *, is_read: bool) -> None:
        """Do what the policy says about a failed request; the first reported error is the job's."""
        self.actively_synced = False
        policy = self.options.on_source_error if is_read else self.options.on_target_error
        action = self.error_action(policy, is_read=is_read, errno=errno)
        if action is ErrorAction.IGNORE:
            self.ignored_errors_count += 1
        if action is ErrorAction.REPORT and not self.failed_errno:
            self.failed_errno = errno
