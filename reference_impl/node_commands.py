"""`blockdev-add`, `blockdev-del`, `block_resize`: nodes come, go and change their size, unless a job forbids it.

Source: facts 5c, rows QS-10 and QS-11; the texts for options are QEMU 7.2's.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from reference_impl.file_nodes import FileNode, FileSystem, NullNode, PassThroughNode
from reference_impl.graph import Graph, Node
from reference_impl.job import Job
from reference_impl.qmp_errors import QmpError, parameter_expects

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9\-._]*")
"""What names of nodes and jobs look like."""

NODE_NAME_LENGTH_MAX = 31

NULL_SIZE_BYTES_DEFAULT = 1 << 30

DISK_BYTES_MAX = 2**63 - 2**30
"""How long a disk may be: what 63 bits can say, in whole GiB."""

NodeMaker = Callable[[str, dict[str, Any]], Awaitable[Node]]
"""Makes a node of a name and its options; the node is not in the graph yet."""


class NodeCommands:
    """Makes nodes and takes them away again.

    :param more_drivers: drivers that only some hosts have, by name.
    """

    def __init__(self, graph: Graph, files: FileSystem, more_drivers: dict[str, NodeMaker] | None = None) -> None:
        self._graph = graph
        self._files = files
        self._more_drivers = more_drivers or {}

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """By the name of the command."""
        return {
            "blockdev-add": self.blockdev_add,
            "blockdev-del": self.blockdev_del,
            "block_resize": self.block_resize,
        }

    async def blockdev_add(self, options: dict[str, Any]) -> dict[str, Any]:
        """Make a node, and those that its options describe below it."""
        if "node-name" not in options:
            raise QmpError("'node-name' must be specified for the root node")
        node = await self._make(options)
        node.owned_by_monitor = True
        return {}

    async def _make(self, options: dict[str, Any]) -> Node:
        given = options.get("node-name")
        name = self._graph.generate_name() if given is None else check_node_name(self._graph, given)
        read_only = options.get("read-only", False)
        unmap = options.get("discard") == "unmap"
        driver = options["driver"]
        node: Node
        if driver == "file":
            node = FileNode(self._graph, name, self._files, options["filename"], read_only=read_only, unmap=unmap)
        elif driver == "null-co":
            size = options.get("size", NULL_SIZE_BYTES_DEFAULT)
            if size < 0:
                raise QmpError("Invalid parameter 'size'")
            node = NullNode(self._graph, name, size, read_only=read_only, read_zeroes=options.get("read-zeroes", False))
        elif driver == "raw":
            node = PassThroughNode(
                self._graph, name, await self._child(options["file"]), read_only=read_only, unmap=unmap
            )
        elif driver in self._more_drivers:
            node = await self._more_drivers[driver](name, options)
        else:
            raise QmpError(f"Unknown driver '{driver}'")
        node.owned_by_monitor = False
        self._graph.add(node)
        return node

    async def _child(self, reference: str | dict[str, Any]) -> Node:
        if isinstance(reference, dict):
            return await self._make(reference)
        return find_node(self._graph, reference)

    def blockdev_del(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Take away a node that nobody uses (QS-10)."""
        name = arguments["node-name"]
        node = self._graph.nodes.get(name)
        if node is None:
            raise QmpError(f"Failed to find node with node-name='{name}'")
        roles = {edge.role for edge in node.parents if isinstance(edge.parent, Job)}
        if roles and roles != {"target"}:
            require_not_busy(node)
        if not node.owned_by_monitor and not roles:
            raise QmpError(f"Node {name} is not owned by the monitor")
        if node.parents:
            raise QmpError(f"{'Node' if roles else 'Block device'} {name} is in use")
        node.owned_by_monitor = False
        self._graph.remove_unused()
        return {}

    def block_resize(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Change the size of a node that no job and no guest uses (QS-11); its bitmaps follow (B2)."""
        device, name, size = arguments.get("device", ""), arguments.get("node-name", ""), arguments["size"]
        node = self._graph.nodes.get(name)
        if node is None or device:
            raise QmpError(f"Cannot find device='{device}' nor node-name='{name}'")
        if size < 0:
            raise parameter_expects("size", "a >0 size")
        require_not_busy(node)
        if any(edge.role == "root" for edge in node.parents):
            # Guests rely on the size that they were told.
            user = f"an unnamed block device (uses node '{name}' as 'root' child)"
            raise QmpError(
                f"Permission conflict on node '{name}': permissions 'resize' are both required by {user} and unshared "
                f"by {user}."
            )
        if size > DISK_BYTES_MAX:
            raise QmpError(f"offset({size}) exceeds maximum({DISK_BYTES_MAX})")
        node.truncate(size)
        return {}


def find_node(graph: Graph, name: str) -> Node:
    """The node of a name that may be a device's as well; there are no devices.

    :raise QmpError: when there is none.
    """
    node = graph.nodes.get(name)
    if node is None:
        raise QmpError(f"Cannot find device='{name}' nor node-name='{name}'")
    return node


def check_node_name(graph: Graph, name: str) -> str:
    """Return a name that a user gave to a new node (QA-11).

    :raise QmpError: when it is malformed, taken or too long.
    """
    if not IDENTIFIER.fullmatch(name):
        raise QmpError(f"Invalid node-name: '{name}'")
    if name in graph.nodes:
        raise QmpError(f"Duplicate nodes with node-name='{name}'")
    if len(name) > NODE_NAME_LENGTH_MAX:
        raise QmpError("Node name too long")
    return name


def require_not_busy(node: Node) -> None:
    """Refuse what cannot be done to a node that a job uses.

    :raise QmpError: naming node and job.
    """
    for edge in node.parents:
        if isinstance(edge.parent, Job):
            kind = edge.parent.kind
            raise QmpError(f"Node '{node.name}' is busy: block device is in use by block job: {kind}")
