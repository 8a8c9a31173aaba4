"""`blockdev-reopen` and `blockdev-snapshot`: give a node that is in use other options, or an overlay above it.

Source: 155-BR, 155-BS, 245-block_commit_1, 248-1, TP-10; the texts are QEMU 7.2's and 11.1's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from reference_impl.drivers.overlay import OverlayNode
from reference_impl.drivers.throttle import ThrottleGroup, ThrottleNode
from reference_impl.file_nodes import PassThroughNode
from reference_impl.graph import Graph, Node
from reference_impl.node_making import find_group, find_node, find_node_only, require_not_busy
from reference_impl.node_queries import skip_implicit
from reference_impl.permissions import CONSISTENT_READ
from reference_impl.qmp_errors import QmpError

_COMMON_OPTIONS = frozenset({"driver", "node-name", "read-only", "discard", "cache", "backing"})


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Everything within objects and arrays, with its path."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


class ReopenCommands:
    """Changes nodes in place."""

    def __init__(self, graph: Graph, groups: dict[str, ThrottleGroup]) -> None:
        self._graph = graph
        self._groups = groups

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """By the name of the command."""
        return {"blockdev-reopen": self.blockdev_reopen, "blockdev-snapshot": self.blockdev_snapshot}

    async def blockdev_reopen(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Change the options of nodes: of all of them, or, if one cannot be, of none.

        No options at all are no change. (QEMU 7.2 and 11.1 abort there.)
        """
        nodes = [self._find(options) for options in arguments["options"]]
        for node in nodes:
            await node.drained_begin_and_wait()
        try:
            with self._graph.transaction():
                for node, options in zip(nodes, arguments["options"], strict=True):
                    self._reopen(node, options)
        finally:
            for node in nodes:
                node.unquiesce()
        self._graph.remove_unused()
        return {}

    def _find(self, options: dict[str, Any]) -> Node:
        name = options.get("node-name")
        if name is None:
            raise QmpError("node-name not specified")
        node = self._graph.nodes.get(name)
        if node is None:
            raise QmpError(f"Failed to find node with node-name='{name}'")
        return node

    def _reopen(self, node: Node, options: dict[str, Any]) -> None:
        if not node.supports_reopening:
            raise QmpError(f"Block format '{node.driver}' used by node '{node.name}' does not support reopening files")
        fixed, wanted = self._fixed_options(node, node.options), self._fixed_options(node, options)
        if options["driver"] == node.driver:
            for option in fixed:
                if option not in wanted:
                    raise QmpError(f"Option '{option}' cannot be reset to its default value")
        if "backing" in node.children and "backing" not in options:
            raise QmpError(f"backing is missing for '{node.name}'")
        if options["driver"] != node.driver:
            raise QmpError("Cannot change the option 'driver'")
        if node.options:
            for option, value in wanted.items():
                if option not in fixed or fixed[option] != value:
                    raise QmpError(f"Cannot change the option '{option}'")
        if isinstance(node, OverlayNode):
            self._set_child(node, "backing", options.get("backing"))
        for role in ("file", "image"):
            if role in node.children:
                self._set_child(node, role, options[role])
        if isinstance(node, PassThroughNode):
            window = node.window
            node.set_window(options.get("offset", 0), options.get("size"))
            self._graph.on_undo(lambda: setattr(node, "window", window))
        if isinstance(node, ThrottleNode):
            node.group = find_group(self._groups, options["throttle-group"])
        if "discard" in options:
            unmap = node.unmap
            node.unmap = options["discard"] == "unmap"
            self._graph.on_undo(lambda: setattr(node, "unmap", unmap))
        self._graph.set_read_only(node, read_only=options.get("read-only", False))

    @staticmethod
    def _fixed_options(node: Node, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options that cannot be changed, members of members by their path (``inject-error.0.event``)."""
        changeable = node.reopenable_options | _COMMON_OPTIONS | node.children.keys()
        return dict(_flat({option: value for option, value in options.items() if option not in changeable}))

    def _set_child(self, node: Node, role: str, reference: Any) -> None:
        """Let a node use another child in a role, or none."""
        graph = self._graph
        edge = node.children.get(role)
        if isinstance(reference, dict):
            if edge is None or edge.node.owned_by_monitor:
                raise QmpError(f"Cannot change the option '{role}.driver'")
            self._reopen(edge.node, {"read-only": node.read_only} | reference)
            return
        child = None if reference is None else find_node_only(graph, reference)
        if (edge.node if edge is not None else None) is child:
            return
        if child is not None and node in graph.subtree(child):
            raise QmpError(f"Making '{child.name}' a {role} child of '{node.name}' would create a cycle")
        if edge is not None and edge.node.is_implicit:
            if skip_implicit(edge.node) is child:
                return
            raise QmpError(f"Cannot replace implicit {role} child of {node.name}")
        if edge is not None and edge.frozen:
            raise QmpError(f"Cannot change frozen '{role}' link from '{node.name}' to '{edge.node.name}'")
        set_child(graph, node, role, child)

    async def blockdev_snapshot(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Put an overlay above a node; who used the node uses the overlay, and the node is only read from now on."""
        graph = self._graph
        node = find_node(graph, arguments["node"])
        await node.drained_begin_and_wait()
        try:
            require_not_busy(node)
            overlay = find_node(graph, arguments["overlay"])
            if any(edge.access.needed & CONSISTENT_READ for edge in overlay.parents):
                raise QmpError("The overlay is already in use")
            if "backing" in overlay.children and not overlay.is_filter:
                raise QmpError("The overlay already has a backing image")
            if not isinstance(overlay, OverlayNode):
                raise QmpError("The overlay does not support backing images")
            if overlay is node:
                raise QmpError(f"Making '{node.name}' a backing child of '{node.name}' would create a cycle")
            graph.insert_above(overlay, "backing", node)
        finally:
            node.unquiesce()
        make_read_only_if_possible(graph, node)
        return {}


def set_child(graph: Graph, node: Node, role: str, child: Node | None) -> None:
    """Let a node use another child in a role, or none.

    :raise QmpError: when the permissions conflict; nothing is changed then.
    """
    edge = node.children.get(role)
    if edge is not None and child is not None:
        edge.move(child)
    elif edge is not None:
        graph.detach(node, role)
    elif child is not None:
        graph.attach(node, role, child)


def make_read_only_if_possible(graph: Graph, node: Node) -> None:
    """Let a node be only read unless somebody writes it: that it could be written does no harm."""
    try:
        graph.set_read_only(node, read_only=True)
    except QmpError:
        return
