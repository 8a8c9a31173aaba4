"""The whole reference: a graph of nodes, jobs, a monitor and guests, on one scheduler.

This is what a user of the model makes one of. It comes with no disks: attach storage, open guests, execute commands,
let the scheduler run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reference_impl.backend import Backend
from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.errors import ModelError
from reference_impl.graph import Graph, Node
from reference_impl.job import Job
from reference_impl.job_commands import JobCommands
from reference_impl.mirror_commands import MirrorCommands, MirrorParts
from reference_impl.monitor import Command, Handler, Monitor
from reference_impl.scheduler import Scheduler
from reference_impl.schema import COMMANDS, introspection
from reference_impl.storage_node import StorageNode, StoragePort

EventListener = Callable[[str, Mapping[str, Any]], None]

VERSION = {"qemu": {"major": 0, "minor": 1, "micro": 0}, "package": " (mirrorcheck reference)"}


class Machine:
    """One instance of the reference.

    :param parts: other classes for parts of the mirror: how mutants are made.
    :param on_event: called with the name and the data of each event, in order.
    """

    def __init__(self, parts: MirrorParts | None = None, on_event: EventListener | None = None) -> None:
        self.scheduler = Scheduler()
        self.graph = Graph(self.scheduler)
        self.jobs: dict[str, Job] = {}
        self._on_event = on_event
        handlers: dict[str, Handler] = {
            **JobCommands(self.jobs).handlers(),
            **MirrorCommands(self, self.jobs, parts or MirrorParts()).handlers(),
            "qmp_capabilities": lambda arguments: {},
            "query-version": lambda arguments: VERSION,
            "query-commands": lambda arguments: [{"name": name} for name in COMMANDS],
            "query-qmp-schema": lambda arguments: introspection(),
            "query-named-block-nodes": lambda arguments: [node_info(node) for node in self.graph.nodes.values()],
        }
        self._monitor = Monitor(self.scheduler, handlers)

    def attach_storage(self, name: str, port: StoragePort, *, read_only: bool = False, unmap: bool = False) -> Node:
        """Add a node over storage of somebody else's.

        :param unmap: whether discards and deallocating zero writes reach the storage.
        :raise ModelError: when there is a node of that name.
        """
        node = StorageNode(self.graph, name, port, read_only=read_only, unmap=unmap)
        self.graph.add(node)
        return node

    def open_guest(self, node_name: str) -> Backend:
        """Give a guest access to a node, from the top of whatever is above it.

        :raise ModelError: when there is no such node.
        """
        node = self.graph.nodes.get(node_name)
        if node is None:
            raise ModelError(f"there is no node '{node_name}'")
        return Backend(self.graph, node, node_name)

    def execute(
        self, name: str, arguments: Mapping[str, Any], on_reply: Callable[[Command], None] | None = None
    ) -> Command:
        """Take a QMP command; see `Monitor.execute`."""
        return self._monitor.execute(name, arguments, on_reply)

    def emit(self, event: str, data: Mapping[str, Any]) -> None:
        """Send an event."""
        if self._on_event is not None:
            self._on_event(event, data)

    def job_dismissed(self, job: Job) -> None:
        """Forget a job."""
        self.jobs.pop(job.id, None)


def node_info(node: Node) -> dict[str, Any]:
    """An entry of `query-named-block-nodes`."""
    info: dict[str, Any] = {"node-name": node.name, "drv": node.driver, "ro": node.read_only}
    if node.bitmaps:
        info["dirty-bitmaps"] = [bitmap_info(bitmap) for bitmap in node.bitmaps]
    return info


def bitmap_info(bitmap: DirtyBitmap) -> dict[str, Any]:
    """A `BlockDirtyInfo` (QQ-4); the bitmap of a mirror has no name."""
    info: dict[str, Any] = {} if bitmap.name is None else {"name": bitmap.name}
    return info | {
        "count": bitmap.count_bytes,
        "granularity": bitmap.granularity_bytes,
        "recording": bitmap.recording,
        "busy": bitmap.busy,
        "persistent": bitmap.persistent,
    }
