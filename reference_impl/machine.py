"""The whole reference: a graph of nodes, jobs, a monitor and guests, on one scheduler.

This is what a user of the model makes one of. It comes with no disks: attach storage, open guests, execute commands,
let the scheduler run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from reference_impl.backend import Backend
from reference_impl.bitmap_commands import BitmapCommands
from reference_impl.commit_commands import CommitCommands
from reference_impl.devices import BlockDevices
from reference_impl.drive_mirror import DriveMirror
from reference_impl.drivers.throttle import ThrottleGroup
from reference_impl.errors import ModelError
from reference_impl.exports import Exports
from reference_impl.file_nodes import FileSystem, NoFiles
from reference_impl.graph import Node
from reference_impl.graph_query import query_block_graph
from reference_impl.image_files import ImageFiles
from reference_impl.introspection import introspection
from reference_impl.job import Job
from reference_impl.job_states import JobState
from reference_impl.monitor import Command, Handler, Monitor
from reference_impl.node_commands import NodeCommands, NodeMaker
from reference_impl.node_making import NodeFactory
from reference_impl.node_queries import query_named_block_nodes
from reference_impl.node_reopen import ReopenCommands
from reference_impl.object_commands import ObjectCommands
from reference_impl.parts import Parts
from reference_impl.scheduler import Scheduler, WaitQueue
from reference_impl.schema import COMMANDS, EVENTS, SERVER_COMMANDS
from reference_impl.storage_node import StoragePort
from reference_impl.stream_commands import StreamCommands
from reference_impl.visitor import check_output

EventListener = Callable[[str, Mapping[str, Any]], None]

VERSION = {"qemu": {"major": 0, "minor": 1, "micro": 0}, "package": " (mirrorcheck reference)"}


class Machine:
    """One instance of the reference.

    :param parts: other classes for parts of the mirror: how mutants are made.
    :param on_event: called with the name and the data of each event, in order.
    :param files: where `drive-mirror` and `blockdev-add` find files; without, there are none.
    :param server_handlers: the commands of `SERVER_COMMANDS`, for a machine whose host can do what they ask.
    :param drivers: drivers that only this machine's host has.
    """

    def __init__(
        self,
        parts: Parts | None = None,
        on_event: EventListener | None = None,
        *,
        files: FileSystem | None = None,
        server_handlers: Mapping[str, Handler] | None = None,
        drivers: dict[str, NodeMaker] | None = None,
    ) -> None:
        self._parts = parts = parts or Parts()
        self.scheduler = Scheduler()
        self.graph = parts.graph(self.scheduler)
        self.jobs: dict[str, Job] = {}
        self._on_event = on_event
        self._job_events = WaitQueue(self.scheduler)
        files = files or NoFiles()
        self.throttle_groups: dict[str, ThrottleGroup] = {}
        groups = self.throttle_groups
        self.exports = Exports(self.graph, parts.backend, self.emit)
        self.devices = BlockDevices(self.graph, self.emit, partial(self.end_job, force=False))
        self.bitmaps = BitmapCommands(self.graph, parts.bitmap)
        mirrors = parts.mirror_commands(self, self.jobs, parts)
        self.commands = COMMANDS if server_handlers is None else COMMANDS | SERVER_COMMANDS
        self.handlers: Mapping[str, Handler] = {
            **parts.job_commands(self.jobs).handlers(),
            **mirrors.handlers(),
            **DriveMirror(self.graph, ImageFiles(self.graph, files), mirrors).handlers(),
            **self.bitmaps.handlers(),
            **CommitCommands(self, self.jobs, mirrors, parts.job, parts.commit_job).handlers(),
            **StreamCommands(self, self.jobs).handlers(),
            **NodeCommands(self.graph, NodeFactory(self.graph, files, groups, drivers, emit=self.emit)).handlers(),
            **ReopenCommands(self.graph, groups).handlers(),
            **ObjectCommands(self.graph, groups).handlers(),
            **self.exports.handlers(),
            **self.devices.handlers(),
            "x-debug-query-block-graph": lambda arguments: query_block_graph(self.graph),
            "quit": lambda arguments: self.quit(),
            **(server_handlers or {}),
            "qmp_capabilities": lambda arguments: {},
            "query-version": lambda arguments: VERSION,
            "query-commands": lambda arguments: [{"name": name} for name in self.commands],
            "query-events": lambda arguments: [{"name": name} for name in EVENTS],
            "query-qmp-schema": lambda arguments: introspection(self.commands, parts.filter.command_features),
            "query-named-block-nodes": lambda arguments: query_named_block_nodes(self.graph, arguments),
        }
        self._monitor = Monitor(self.scheduler, self.commands, self.handlers)

    def attach_storage(self, name: str, port: StoragePort, *, read_only: bool = False, unmap: bool = False) -> Node:
        """Add a node over storage of somebody else's.

        :param unmap: whether discards and deallocating zero writes reach the storage.
        :raise ModelError: when there is a node of that name.
        """
        node = self._parts.storage_node(self.graph, name, port, read_only=read_only, unmap=unmap)
        self.graph.add(node)
        return node

    def open_guest(self, node_name: str) -> Backend:
        """Give a guest access to a node, from the top of whatever is above it.

        :raise ModelError: when there is no such node.
        """
        node = self.graph.nodes.get(node_name)
        if node is None:
            raise ModelError(f"there is no node '{node_name}'")
        return self.exports.open(f"guest-{node_name}", node, writable=None)

    def execute(
        self, name: str, arguments: Mapping[str, Any], on_reply: Callable[[Command], None] | None = None
    ) -> Command:
        """Take a QMP command; see `Monitor.execute`."""
        return self._monitor.execute(name, arguments, on_reply)

    async def quit(self) -> dict[str, Any]:
        """End everything that is under way: first the exports, then every job."""
        self.exports.close_all()
        while self.jobs:
            job = next(iter(self.jobs.values()))
            await self.end_job(job, force=job.forced_at_quit)
        return {}

    async def end_job(self, job: Job, *, force: bool) -> None:
        """Cancel a job, and return when it has ended."""
        job.cancel(force=force)
        while job.id in self.jobs and job.state is not JobState.CONCLUDED:
            await self._job_events.wait(f"job '{job.id}' to end")

    def emit(self, event: str, data: Mapping[str, Any]) -> None:
        """Send an event."""
        check_output(EVENTS[event], data, event)
        if len(self._job_events):
            self.scheduler.post(self._job_events.wake_all)  # later: the job is in the middle of a step
        if self._on_event is not None:
            self._on_event(event, data)

    def job_dismissed(self, job: Job) -> None:
        """Forget a job."""
        self.jobs.pop(job.id, None)
