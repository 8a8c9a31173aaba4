"""`block-stream`. Source: 030-overlapping_3, 030-stream_commit_1, TP-42; the texts are QEMU 7.2's and 11.1's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference_impl.chain_job import node_above
from reference_impl.graph import Graph, Node
from reference_impl.image_names import find_below
from reference_impl.job import ErrorPolicy, Job, JobHost
from reference_impl.job_making import choose_job_id
from reference_impl.node_making import choose_node_name, find_node, find_node_only, require_not_busy
from reference_impl.node_reopen import make_read_only_if_possible
from reference_impl.qmp_errors import QmpError
from reference_impl.stream import StreamFilter, StreamJob

_ONE_OF = (("base", "base-node"), ("base", "bottom"), ("bottom", "base-node"))
"""Arguments that say the same in different ways."""


class StreamCommands:
    """Starts streams."""

    def __init__(self, host: JobHost, jobs: dict[str, Job]) -> None:
        self._host = host
        self._graph: Graph = host.graph
        self._jobs = jobs

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """By the name of the command."""
        return {"block-stream": self.block_stream}

    async def block_stream(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Start a stream into an image, from all images below it or from those above a base."""
        for one, other in _ONE_OF:
            if one in arguments and other in arguments:
                raise QmpError(f"'{one}' and '{other}' cannot be specified at the same time")
        device = find_node(self._graph, arguments["device"])
        base = self._find_base(arguments, device)
        bottom = self._find_bottom(arguments, device)
        end = base if bottom is None else self._graph.below(bottom)
        for node in self._graph.chain(device):
            if node is end:
                break
            require_not_busy(node, below_overlay_is_fine=True)
        if base is None and "backing-file" in arguments:
            raise QmpError("backing file specified, but streaming the entire chain")
        above_base = bottom
        if bottom is None:
            bottom = node_above(self._graph, device, base)
            if bottom is None:
                assert base is not None
                raise QmpError(f"'{base.name}' is not in the backing chain of '{device.name}'")
            above_base = next(node for node in self._graph.chain(bottom) if self._graph.below(node) is base)
        assert above_base is not None
        await self._start(arguments, device, bottom, above_base)
        return {}

    async def _start(self, arguments: dict[str, Any], device: Node, bottom: Node, above_base: Node) -> None:
        graph = self._graph
        was_read_only = device.read_only
        graph.set_read_only(device, read_only=False)
        await device.drained_begin_and_wait()
        job: StreamJob | None = None
        chain_filter: StreamFilter | None = None
        try:
            chain_filter = self._put_filter_in(arguments.get("filter-node-name"), device, bottom)
            job_id = choose_job_id(graph, self._jobs, arguments.get("job-id"), chain_filter)
            job = StreamJob(
                self._host,
                job_id,
                device,
                bottom,
                above_base,
                chain_filter,
                on_error=ErrorPolicy(arguments.get("on-error", "report")),
                backing_file=arguments.get("backing-file"),
                device_was_read_only=was_read_only,
                auto_finalize=arguments.get("auto-finalize", True),
                auto_dismiss=arguments.get("auto-dismiss", True),
            )
            job.set_speed(arguments.get("speed", 0))
            job.set_up()
        except QmpError:
            if job is not None:
                job.drop()
            if chain_filter is not None:
                graph.replace(chain_filter, device)
                graph.remove(chain_filter)
            if was_read_only:
                make_read_only_if_possible(graph, device)
            raise
        finally:
            device.unquiesce()
        self._jobs[job_id] = job
        job.start()

    def _put_filter_in(self, name: str | None, device: Node, bottom: Node) -> StreamFilter:
        graph = self._graph
        try:
            node = StreamFilter(graph, choose_node_name(graph, name), device, bottom=bottom)
        except QmpError as error:
            raise QmpError(f"Could not create node: {error}") from error
        graph.add(node)
        try:
            graph.replace(device, node)
        except QmpError:
            graph.remove(node)
            raise
        return node

    def _find_base(self, arguments: dict[str, Any], device: Node) -> Node | None:
        if "base" in arguments:
            found = find_below(self._graph, device, arguments["base"])
            if found is None:
                raise QmpError(f"Can't find '{arguments['base']}' in the backing chain")
            return found
        if "base-node" in arguments:
            found = find_node_only(self._graph, arguments["base-node"])
            if found is device or found not in self._graph.chain(device):
                raise QmpError(f"Node '{found.name}' is not a backing image of '{device.name}'")
            return found
        return None

    def _find_bottom(self, arguments: dict[str, Any], device: Node) -> Node | None:
        if "bottom" not in arguments:
            return None
        found = find_node_only(self._graph, arguments["bottom"])
        if found.is_filter:
            raise QmpError(f"Node '{found.name}' is a filter, use a non-filter node as 'bottom'")
        if found not in self._graph.chain(device):
            raise QmpError(f"Node '{found.name}' is not in a chain starting from '{device.name}'")
        return found
