"""`blockdev-mirror`: check what is asked, put the filter in, start the job; or refuse, with nothing changed.

The order of the checks is QEMU's, since a command with two mistakes is refused for the first. Source: facts 5a, rows
QA-01 to QA-18.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reference_impl.graph import Graph, Node
from reference_impl.job import ErrorPolicy, Job, JobHost
from reference_impl.job_making import choose_job_id
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_filter import MirrorFilter
from reference_impl.mirror_options import BUFFER_BYTES_DEFAULT, CopyMode, MirrorOptions, SyncMode
from reference_impl.node_making import choose_node_name, find_node, require_not_busy
from reference_impl.qmp_errors import QmpError, parameter_expects

GRANULARITY_BYTES_MIN = 512
GRANULARITY_BYTES_MAX = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class MirrorParts:
    """The classes that make up a mirror; a mutant is the reference with one of them exchanged."""

    job: type[MirrorJob] = MirrorJob
    filter: type[MirrorFilter] = MirrorFilter


class MirrorCommands:
    """Starts mirrors on a graph."""

    def __init__(self, host: JobHost, jobs: dict[str, Job], parts: MirrorParts) -> None:
        self._host = host
        self._graph: Graph = host.graph
        self._jobs = jobs
        self._parts = parts

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """By the name of the command."""
        return {"blockdev-mirror": self.blockdev_mirror}

    async def blockdev_mirror(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Start a mirror of a root node to a node."""
        source = find_node(self._graph, arguments["device"])
        if not self._graph.is_root(source):
            raise QmpError("Need a root block node")
        target = find_node(self._graph, arguments["target"])
        await self.start(arguments, source, target, may_hold_data=not arguments.get("target-is-zero", False))
        return {}

    async def start(
        self,
        arguments: dict[str, Any],
        source: Node,
        target: Node,
        *,
        may_hold_data: bool,
        give_backing: Callable[[], None] | None = None,
    ) -> None:
        """Check the rest, put the filter in, start the job.

        :param may_hold_data: whether the target may read as anything but zeroes.
        :param give_backing: gives the target what is to be below it, when all is copied.
        """
        options = self._options(arguments, source, target, may_hold_data)
        to_replace = self._find_replaced(arguments.get("replaces"), source)
        self._check_sync_mode(arguments["sync"])
        if arguments.get("buf-size", 0) < 0:
            raise QmpError("Invalid parameter 'buf-size'")
        if self._graph.skip_filters(source) is self._graph.skip_filters(target):
            raise QmpError("Can't mirror node into itself")
        base = self._graph.backing_chain_next(source) if options.sync is SyncMode.TOP else None
        job = await self.launch(arguments, source, target, options, base=base, to_replace=to_replace)
        job.give_backing = give_backing
        job.start()

    async def launch(
        self,
        arguments: dict[str, Any],
        source: Node,
        target: Node,
        options: MirrorOptions,
        *,
        base: Node | None,
        to_replace: Node | None = None,
        job_class: type[MirrorJob] | None = None,
        for_commit: bool = False,
    ) -> MirrorJob:
        """Put the filter in and make the job, or leave everything as it was.

        :param base: what the source has above it is copied; None for all that it shows.
        :return: the job, which is still to be started.
        """
        filter_name = choose_node_name(self._graph, arguments.get("filter-node-name"))
        mirror_filter = self._parts.filter(self._graph, filter_name, source, options.granularity_bytes)
        mirror_filter.for_commit = for_commit
        self._graph.add(mirror_filter)
        await source.drained_begin_and_wait()
        try:
            try:
                self._graph.insert_above(mirror_filter, mirror_filter.source_role, source)
            finally:
                source.unquiesce()
            job = self._create(
                arguments, mirror_filter, target, options, to_replace, base, job_class or self._parts.job
            )
        except QmpError:
            self._take_out(mirror_filter, source)
            raise
        mirror_filter.job = job
        return job

    def _create(
        self,
        arguments: dict[str, Any],
        mirror_filter: MirrorFilter,
        target: Node,
        options: MirrorOptions,
        to_replace: Node | None,
        base: Node | None,
        job_class: type[MirrorJob],
    ) -> MirrorJob:
        job_id = choose_job_id(self._graph, self._jobs, arguments.get("job-id"), mirror_filter)
        job = job_class(
            self._host,
            job_id,
            mirror_filter,
            target,
            options,
            to_replace=to_replace,
            base=base,
            auto_finalize=arguments.get("auto-finalize", True),
            auto_dismiss=arguments.get("auto-dismiss", True),
        )
        # What is refused from here on shows: the job is created and dropped again.
        try:
            if arguments.get("speed"):
                job.set_speed(arguments["speed"])
            self._check_filters_above_chain(mirror_filter.source, target)
            job.open_target()
            if any(node.locked_by_others for node in self._graph.subtree(target)):
                raise QmpError('Failed to get shared "consistent read" lock')
        except QmpError:
            job.drop()
            raise
        self._jobs[job_id] = job
        return job

    def _check_filters_above_chain(self, source: Node, target: Node) -> None:
        chain = list(self._graph.chain(source))
        if target not in chain and self._graph.skip_filters(target) in chain:
            raise QmpError("Cannot mirror to a filter on top of a node in the source's backing chain")

    def _take_out(self, mirror_filter: MirrorFilter, source: Node) -> None:
        self._graph.replace(mirror_filter, source)
        self._graph.remove(mirror_filter)

    @staticmethod
    def _options(arguments: dict[str, Any], source: Node, target: Node, may_hold_data: bool) -> MirrorOptions:
        granularity = arguments.get("granularity", 0)
        if granularity and not GRANULARITY_BYTES_MIN <= granularity <= GRANULARITY_BYTES_MAX:
            raise parameter_expects("granularity", "a value in range [512B, 64MB]")
        if granularity & (granularity - 1):
            raise parameter_expects("granularity", "a power of 2")
        for node in (source, target):
            require_not_busy(node)
        # Without a backing file there is nothing that `top` could leave out.
        sync = SyncMode(arguments["sync"]) if arguments["sync"] in set(SyncMode) else SyncMode.FULL
        if sync is SyncMode.TOP and Graph.backing_chain_next(source) is None:
            sync = SyncMode.FULL
        return MirrorOptions(
            sync=sync,
            granularity_bytes=granularity or default_granularity_bytes(target),
            buffer_bytes=max(arguments.get("buf-size", 0), 0) or BUFFER_BYTES_DEFAULT,
            on_source_error=ErrorPolicy(arguments.get("on-source-error", "report")),
            on_target_error=ErrorPolicy(arguments.get("on-target-error", "report")),
            copy_mode=CopyMode(arguments.get("copy-mode", "background")),
            unmap=arguments.get("unmap", True),
            zero_target=sync is SyncMode.FULL and may_hold_data,
        )

    def _find_replaced(self, name: str | None, source: Node) -> Node | None:
        if name is None:
            return None
        node = self._graph.nodes.get(name)
        if node is None:
            raise QmpError(f"Failed to find node with node-name='{name}'")
        require_not_busy(node)
        if not self._graph.can_replace(source, node):
            raise QmpError(
                f"Cannot replace '{name}' by a node mirrored from '{source.name}', because it cannot be guaranteed "
                "that doing so would not lead to an abrupt change of visible data"
            )
        if node.size_bytes != source.size_bytes:
            raise QmpError("cannot replace image with a mirror image of different size")
        return node

    @staticmethod
    def _check_sync_mode(sync: str) -> None:
        if sync in ("incremental", "bitmap"):
            raise QmpError(f"Sync mode '{sync}' not supported")


def default_granularity_bytes(target: Node) -> int:
    """The target's cluster size, within 4 KiB and 64 KiB; 64 KiB if it has none (QA-07)."""
    return min(max(target.cluster_size_bytes, 4096), 65536) if target.cluster_size_bytes else 65536
