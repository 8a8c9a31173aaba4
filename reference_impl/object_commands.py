"""`object-add` and `object-del` for throttle groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reference_impl.drivers.throttle import ThrottleGroup, ThrottleNode
from reference_impl.graph import Graph
from reference_impl.node_making import IDENTIFIER
from reference_impl.qmp_errors import QmpError, parameter_expects


class ObjectCommands:
    """Makes throttle groups and takes them away.

    :param groups: where they are kept, by name.
    """

    def __init__(self, graph: Graph, groups: dict[str, ThrottleGroup]) -> None:
        self._graph = graph
        self._groups = groups

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """By the name of the command."""
        return {"object-add": self.object_add, "object-del": self.object_del}

    def object_add(self, options: dict[str, Any]) -> dict[str, Any]:
        """Make a throttle group."""
        name = options["id"]
        if not IDENTIFIER.fullmatch(name):
            raise parameter_expects("id", "an identifier")
        if name in self._groups:
            raise QmpError(f"attempt to add duplicate property '{name}' to object (type 'container')")
        self._groups[name] = ThrottleGroup(self._graph.scheduler, name, options.get("limits", {}))
        return {}

    def object_del(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Take a throttle group away that no node uses."""
        name = arguments["id"]
        group = self._groups.get(name)
        if group is None:
            raise QmpError(f"object '{name}' not found")
        if any(isinstance(node, ThrottleNode) and node.group is group for node in self._graph.nodes.values()):
            raise QmpError(f"object '{name}' is in use, can not be deleted")
        del self._groups[name]
        return {}
