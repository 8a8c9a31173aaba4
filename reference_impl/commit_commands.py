"""`block-commit`: of the active layer, which is a mirror, or of an image below it, which is not.

Which of the two it is depends on whether somebody may write the image that is committed.

Source: 040-SD errors, 040-CF, 040-OB, QA-04; the texts are QEMU 7.2's and 11.1's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from reference_impl.chain_job import node_above
from reference_impl.commit import CommitJob
from reference_impl.commit_below import CommitBelowJob
from reference_impl.graph import Graph, Node
from reference_impl.image_names import find_below
from reference_impl.job import ErrorPolicy, Job, JobHost
from reference_impl.job_making import choose_job_id
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_commands import MirrorCommands, default_granularity_bytes
from reference_impl.mirror_options import BUFFER_BYTES_DEFAULT, CopyMode, MirrorOptions, SyncMode
from reference_impl.node_making import find_node_only, require_not_busy
from reference_impl.node_reopen import make_read_only_if_possible
from reference_impl.permissions import WRITE
from reference_impl.qmp_errors import QmpError


class CommitCommands:
    """Starts commits.

    :param jobs: all jobs by id. :param job_class: what mirrors are made of; a commit of theirs is made of the same.
    :param commit_class: what a commit is beyond that.
    """

    def __init__(
        self,
        host: JobHost,
        jobs: dict[str, Job],
        mirrors: MirrorCommands,
        job_class: type[MirrorJob],
        commit_class: type[CommitJob] = CommitJob,
    ) -> None:
        self._host = host
        self._graph: Graph = host.graph
        self._jobs = jobs
        self._mirrors = mirrors
        self._job_class = commit_class
        if job_class is not MirrorJob:
            self._job_class = cast("type[CommitJob]", type("MutatedCommitJob", (commit_class, job_class), {}))

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """By the name of the command."""
        return {"block-commit": self.block_commit}

    async def block_commit(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Start a commit of an overlay into an image below it, by default the lowest."""
        graph = self._graph
        device = graph.nodes.get(arguments["device"])
        if device is None:
            raise QmpError(f"Device '{arguments['device']}' not found", "DeviceNotFound")
        if not graph.is_root(device):
            raise QmpError("Need a root block node")
        require_not_busy(device)
        top = self._find_top(arguments, device)
        base = self._find_base(arguments, top)
        for node in graph.chain(top):
            require_not_busy(node, below_overlay_is_fine=True)
            if node is base:
                break
        if top is base:
            raise QmpError("cannot commit an image into itself")
        is_active_layer = graph.skip_filters(top) is graph.skip_filters(device)
        if is_active_layer or any(edge.access.needed & WRITE for edge in top.parents):
            if "backing-file" in arguments:
                if is_active_layer:
                    raise QmpError("'backing-file' specified, but 'top' is the active layer")
                raise QmpError("'backing-file' specified, but 'top' has a writer on it")
            await self._start_active(arguments, top, base)
        else:
            await self._start_below(arguments, device, top, base)
        return {}

    async def _start_below(self, arguments: dict[str, Any], device: Node, top: Node, base: Node) -> None:
        graph = self._graph
        overlay = node_above(graph, device, top)
        assert overlay is not None
        require_not_busy(overlay, below_overlay_is_fine=True)
        if graph.skip_filters(top) is graph.skip_filters(base):
            raise QmpError("Invalid files for merge: top and base are the same")
        job_id = choose_job_id(graph, self._jobs, arguments.get("job-id"), device)
        await top.drained_begin_and_wait()
        job = CommitBelowJob(
            self._host,
            job_id,
            device,
            top,
            base,
            on_error=ErrorPolicy(arguments.get("on-error", "report")),
            backing_file=arguments.get("backing-file"),
            auto_finalize=arguments.get("auto-finalize", True),
            auto_dismiss=arguments.get("auto-dismiss", True),
        )
        try:
            job.set_speed(arguments.get("speed", 0))
            job.set_up(arguments.get("filter-node-name"))
        except QmpError:
            job.drop()
            raise
        finally:
            top.unquiesce()
        self._jobs[job_id] = job
        job.start()

    async def _start_active(self, arguments: dict[str, Any], top: Node, base: Node) -> None:
        was_read_only = base.read_only
        self._graph.set_read_only(base, read_only=False)
        policy = ErrorPolicy(arguments.get("on-error", "report"))
        options = MirrorOptions(
            sync=SyncMode.TOP,
            granularity_bytes=default_granularity_bytes(base),
            buffer_bytes=BUFFER_BYTES_DEFAULT,
            on_source_error=policy,
            on_target_error=policy,
            copy_mode=CopyMode.BACKGROUND,
            unmap=True,
            zero_target=False,
        )
        try:
            job = await self._mirrors.launch(
                arguments, top, base, options, base=base, job_class=self._job_class, for_commit=True
            )
        except QmpError:
            if was_read_only:
                make_read_only_if_possible(self._graph, base)
            raise
        assert isinstance(job, CommitJob)
        job.target_was_read_only = was_read_only
        job.start()

    def _find_top(self, arguments: dict[str, Any], device: Node) -> Node:
        if "top-node" in arguments and "top" in arguments:
            raise QmpError("'top-node' and 'top' are mutually exclusive")
        if "top-node" in arguments:
            return self._in_chain(find_node_only(self._graph, arguments["top-node"]), device)
        if "top" in arguments:
            top = arguments["top"]
            found = device if device.filename == top else find_below(self._graph, device, top)
            if found is None:
                raise QmpError(f"Top image file {arguments['top']} not found")
            return found
        return device

    def _find_base(self, arguments: dict[str, Any], top: Node) -> Node:
        if "base-node" in arguments and "base" in arguments:
            raise QmpError("'base-node' and 'base' are mutually exclusive")
        if "base-node" in arguments:
            return self._in_chain(find_node_only(self._graph, arguments["base-node"]), top)
        if "base" in arguments:
            found = find_below(self._graph, top, arguments["base"])
            if found is None:
                raise QmpError(f"Can't find '{arguments['base']}' in the backing chain")
            return found
        last = top
        while (following := self._graph.backing_chain_next(last)) is not None:
            last = following
        return last

    def _in_chain(self, node: Node, top: Node) -> Node:
        if node not in self._graph.chain(top):
            raise QmpError(f"'{node.name}' is not in this backing file chain")
        return node
