"""`drive-mirror`: as `blockdev-mirror`, to a file that the command makes or opens itself.

The file is there before most arguments are looked at, and stays when they are refused. Source: facts 5b, rows QD-01 to
QD-10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference_impl.file_nodes import FileError, FileNode, FileSystem, PassThroughNode
from reference_impl.graph import Graph, Node
from reference_impl.mirror_commands import MirrorCommands
from reference_impl.node_commands import check_node_name, find_node, require_not_busy
from reference_impl.qmp_errors import QmpError

FORMATS = ("raw", "file")


class DriveMirror:
    """Makes the target, then does what `blockdev-mirror` does."""

    def __init__(self, graph: Graph, files: FileSystem, mirrors: MirrorCommands) -> None:
        self._graph = graph
        self._files = files
        self._mirrors = mirrors

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """By the name of the command."""
        return {"drive-mirror": self.drive_mirror}

    async def drive_mirror(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Start a mirror of a root node to a file."""
        source = find_node(self._graph, arguments["device"])
        if not self._graph.is_root(source):
            raise QmpError("Need a root block node")
        require_not_busy(source)
        if "replaces" in arguments and "node-name" not in arguments:
            raise QmpError("a node-name must be provided when replacing a named node of the graph")
        creates = arguments.get("mode", "absolute-paths") != "existing"
        image_format = arguments.get("format", source.driver if creates else None)
        if creates:
            self._create(arguments["target"], str(image_format), source, arguments["sync"])
        target = self._open(arguments, image_format, source)
        try:
            await self._mirrors.start(arguments, source, target, may_hold_data=not creates)
        finally:
            self._graph.remove_unused()  # the target, if nobody came to use it
        return {}

    def _create(self, path: str, image_format: str, source: Node, sync: str) -> None:
        if image_format == "nbd":
            raise QmpError(
                "Protocol driver 'nbd' does not support image creation, and opening the image failed: "
                "File name string for NBD must start with 'nbd:'"
            )
        if image_format not in FORMATS:
            raise QmpError(f"Unknown file format '{image_format}'")
        if sync == "none":
            # A new image that takes only what changes has the source as its backing file (QD-09), and these have none.
            raise QmpError(f"Backing file not supported for file format '{image_format}'")
        if self._is_open(path):
            raise QmpError('Failed to get "resize" lock')
        try:
            self._files.create(path, source.size_bytes)
        except FileError as error:
            raise QmpError(f"Could not create '{path}': {error}") from error

    def _is_open(self, path: str) -> bool:
        nodes = self._graph.nodes.values()
        return any(isinstance(node, FileNode) and self._files.same(node.path, path) for node in nodes)

    def _open(self, arguments: dict[str, Any], image_format: str | None, source: Node) -> Node:
        path = arguments["target"]
        if image_format is not None and image_format not in FORMATS:
            raise QmpError(f"Unknown driver '{image_format}'")
        given = arguments.get("node-name")
        name = self._graph.generate_name() if given is None else check_node_name(self._graph, given)
        locked = self._is_open(path)
        unmap = source.unmap
        if image_format == "raw":
            file_node = FileNode(self._graph, self._graph.generate_name(), self._files, path, unmap=unmap)
            file_node.owned_by_monitor = False
            self._graph.add(file_node)
            target: Node = PassThroughNode(self._graph, name, file_node, unmap=unmap)
        else:
            # Without a format the target is opened as the source was: as a protocol, without probing.
            target = file_node = FileNode(self._graph, name, self._files, path, unmap=unmap)
        file_node.locked_by_others = locked
        target.owned_by_monitor = False
        self._graph.add(target)
        return target
