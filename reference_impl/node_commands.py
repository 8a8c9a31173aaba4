"""`blockdev-add`, `blockdev-del`, `block_resize`: nodes come, go and change their size, unless somebody forbids it.

Source: facts 5c, rows QS-10 and QS-11; the texts for options are QEMU 7.2's, that for a resize under a job is 9.0's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference_impl.edges import Bystander, Edge
from reference_impl.graph import Graph
from reference_impl.node_making import (
    IDENTIFIER,
    NodeFactory,
    NodeMaker,
    check_node_name,
    find_node,
    find_node_only,
    require_not_busy,
)
from reference_impl.permissions import ALL, RESIZE, Access
from reference_impl.qmp_errors import QmpError, parameter_expects

__all__ = ["IDENTIFIER", "NodeCommands", "NodeMaker", "check_node_name", "find_node", "require_not_busy"]

DISK_BYTES_MAX = 2**63 - 2**30
"""How long a disk may be: what 63 bits can say, in whole GiB."""


class NodeCommands:
    """Makes nodes and takes them away again."""

    def __init__(self, graph: Graph, factory: NodeFactory) -> None:
        self._graph = graph
        self._factory = factory

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
        await self._factory.make(options)
        return {}

    def blockdev_del(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Take away a node that nobody uses (QS-10)."""
        name = arguments["node-name"]
        node = self._graph.nodes.get(name)
        if node is None:
            raise QmpError(f"Failed to find node with node-name='{name}'")
        if any(edge.role == "root" for edge in node.parents):
            raise QmpError(f"Node {name} is in use")
        require_not_busy(node)
        if not node.owned_by_monitor:
            raise QmpError(f"Node {name} is not owned by the monitor")
        if node.parents:
            raise QmpError(f"Block device {name} is in use")
        node.owned_by_monitor = False
        self._graph.remove_unused()
        return {}

    def block_resize(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Change the size of a node that no job and no guest uses (QS-11); its bitmaps follow (B2)."""
        device, name, size = arguments.get("device", ""), arguments.get("node-name", ""), arguments["size"]
        if device and device not in self._graph.drives:
            raise QmpError(f"Cannot find device='{device}' nor node-name='{name}'")
        node = find_node(self._graph, device) if device else find_node_only(self._graph, name)
        if size < 0:
            raise parameter_expects("size", "a >0 size")
        require_not_busy(node)
        user = Edge(Bystander(), node, "root", Access(RESIZE, ALL))
        try:
            if size > DISK_BYTES_MAX:
                raise QmpError(f"offset({size}) exceeds maximum({DISK_BYTES_MAX})")
            node.truncate(size)
        finally:
            user.remove()
        return {}
