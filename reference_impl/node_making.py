"""Makes nodes of the options that `blockdev-add` takes: one function for each driver.

Source: the options and texts are QEMU 7.2's.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from reference_impl.drivers.blkdebug import BlkdebugNode, rules_of_options
from reference_impl.drivers.copy_on_read import CopyOnReadNode
from reference_impl.drivers.image_header import HEAD_BYTES, parse_header
from reference_impl.drivers.overlay import OverlayNode
from reference_impl.drivers.quorum import Emit, QuorumNode
from reference_impl.drivers.throttle import ThrottleGroup, ThrottleNode
from reference_impl.file_nodes import FileNode, FileSystem, NullNode, PassThroughNode
from reference_impl.graph import BlockIoError, Graph, Node
from reference_impl.image_files import NULL_SIZE_BYTES_DEFAULT, ImageFiles
from reference_impl.permissions import parse_names
from reference_impl.qmp_errors import QmpError

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9\-._]*")
"""What names of nodes and jobs look like."""

NODE_NAME_LENGTH_MAX = 31

NodeMaker = Callable[[str, dict[str, Any]], Awaitable[Node]]
"""Makes a node of a name and its options; the node is not in the graph yet."""


class NodeFactory:
    """Makes nodes, and the nodes that their options describe below them.

    :param groups: throttle groups by name. :param more_drivers: drivers that only some hosts have, by name.
    :param emit: sends an event.
    """

    def __init__(
        self,
        graph: Graph,
        files: FileSystem,
        groups: dict[str, ThrottleGroup],
        more_drivers: dict[str, NodeMaker] | None = None,
        *,
        emit: Emit,
    ) -> None:
        self._graph = graph
        self._files = files
        self._images = ImageFiles(graph, files)
        self._groups = groups
        self._emit = emit
        self._makers: dict[str, NodeMaker] = {
            "file": self._make_file,
            "null-co": self._make_null,
            "raw": self._make_raw,
            "qcow2": self._make_overlay,
            "throttle": self._make_throttle,
            "copy-on-read": self._make_copy_on_read,
            "blkdebug": self._make_blkdebug,
            "quorum": self._make_quorum,
            **(more_drivers or {}),
        }

    async def make(self, options: dict[str, Any]) -> Node:
        """Make a node and put it into the graph.

        :raise QmpError: when that cannot be; then nothing is left of it.
        """
        made: list[Node] = []
        try:
            return await self._make(options | {"made": made})
        except QmpError:
            for node in reversed(made):
                if not node.parents:
                    self._graph.remove(node)
            raise

    async def _make(self, options: dict[str, Any]) -> Node:
        name = choose_node_name(self._graph, options.get("node-name"))
        maker = self._makers.get(options["driver"])
        if maker is None:
            raise QmpError(f"Unknown driver '{options['driver']}'")
        node = await maker(name, options)
        if name in self._graph.nodes:  # a node below it has taken the name meanwhile
            for role in list(node.children):
                self._graph.detach(node, role)
            raise QmpError(f"Duplicate nodes with node-name='{name}'")
        node.options = {option: value for option, value in options.items() if option != "made"}
        self._graph.add(node)
        # A node made on the way goes with the node that uses it; until there is one, it must not go either.
        for edge in node.children.values():
            if edge.node in options["made"]:
                edge.node.owned_by_monitor = False
        options["made"].append(node)
        return node

    async def _make_quorum(self, name: str, options: dict[str, Any]) -> Node:
        children = [await self._child(options | {"child": each}, "child") for each in options["children"]]
        threshold = options["vote-threshold"]
        return QuorumNode(self._graph, name, children, threshold, self._emit, **self._flags(options))

    async def _child(self, options: dict[str, Any], role: str) -> Node:
        reference = options[role]
        if isinstance(reference, dict):
            return await self._make(reference | {"made": options["made"]})
        return find_node(self._graph, reference)

    @staticmethod
    def _flags(options: dict[str, Any]) -> dict[str, bool]:
        return {"read_only": options.get("read-only", False), "unmap": options.get("discard") == "unmap"}

    async def _make_file(self, name: str, options: dict[str, Any]) -> Node:
        return FileNode(self._graph, name, self._files, options["filename"], **self._flags(options))

    async def _make_null(self, name: str, options: dict[str, Any]) -> Node:
        size = options.get("size", NULL_SIZE_BYTES_DEFAULT)
        if size < 0:
            raise QmpError("Invalid parameter 'size'")
        read_only = options.get("read-only", False)
        return NullNode(
            self._graph,
            name,
            size,
            read_only=read_only,
            read_zeroes=options.get("read-zeroes", False),
            latency_ns=options.get("latency-ns", 0),
        )

    async def _make_raw(self, name: str, options: dict[str, Any]) -> Node:
        child = await self._child(options, "file")
        with self._graph.transaction():
            node = PassThroughNode(self._graph, name, child, **self._flags(options))
            node.set_window(options.get("offset", 0), options.get("size"))
        return node

    async def _make_overlay(self, name: str, options: dict[str, Any]) -> Node:
        file = await self._child(options, "file")
        node = OverlayNode(self._graph, name, file, **self._flags(options))
        try:
            header = parse_header(await file.read(0, min(HEAD_BYTES, file.size_bytes)))
            backing = None
            if options.get("backing") is not None:
                backing = await self._child(options, "backing")
            node.open(header, backing)
            if "backing" not in options:
                self._images.attach_backing_of(node)
        except BlockIoError as error:
            self._graph.detach(node, "file")
            raise QmpError(f"Could not read qcow2 header: {error}") from error
        except QmpError:
            self._graph.detach(node, "file")
            raise
        return node

    async def _make_throttle(self, name: str, options: dict[str, Any]) -> Node:
        child = await self._child(options, "file")
        group = find_group(self._groups, options["throttle-group"])
        return ThrottleNode(self._graph, name, child, group, **self._flags(options))

    async def _make_copy_on_read(self, name: str, options: dict[str, Any]) -> Node:
        child = await self._child(options, "file")
        bottom = None
        if "bottom" in options:
            bottom = self._find_bottom(options["bottom"], child)
        return CopyOnReadNode(self._graph, name, child, bottom=bottom, **self._flags(options))

    def _find_bottom(self, name: str, child: Node) -> Node:
        node = self._graph.nodes.get(name)
        if node is None:
            raise QmpError(f"Bottom node '{name}' not found")
        if node.is_filter:
            raise QmpError(f"Bottom node '{name}' is a filter")
        if node not in self._graph.chain(child):
            # QEMU up to 11.1 looks for it for ever.
            raise QmpError(f"Bottom node '{name}' is not in a chain starting from '{child.name}'")
        return node

    async def _make_blkdebug(self, name: str, options: dict[str, Any]) -> Node:
        child = await self._child(options, "image")
        return BlkdebugNode(
            self._graph,
            name,
            child,
            rules_of_options(options),
            needs=parse_names(options.get("take-child-perms", [])),
            refuses=parse_names(options.get("unshare-child-perms", [])),
            **self._flags(options),
        )


def find_group(groups: dict[str, ThrottleGroup], name: str) -> ThrottleGroup:
    """The throttle group of a name.

    :raise QmpError: when there is none.
    """
    group = groups.get(name)
    if group is None:
        raise QmpError(f"Throttle group '{name}' does not exist")
    return group


def find_node(graph: Graph, name: str) -> Node:
    """The node of a name, which may be a drive's.

    :raise QmpError: when there is none, or the drive has no medium.
    """
    if name in graph.drives:
        edge = graph.drives[name].edge
        if edge is None:
            raise QmpError(f"Device '{name}' has no medium")
        return edge.node
    node = graph.nodes.get(name)
    if node is None:
        raise QmpError(f"Cannot find device='{name}' nor node-name='{name}'")
    return node


def find_node_only(graph: Graph, name: str) -> Node:
    """The node of a name that can be nothing else.

    :raise QmpError: when there is none.
    """
    node = graph.nodes.get(name)
    if node is None:
        raise QmpError(f"Cannot find device='' nor node-name='{name}'")
    return node


def choose_node_name(graph: Graph, given: str | None) -> str:
    """The name of a new node: what a user gave it, or one made up.

    :raise QmpError: as `check_node_name`.
    """
    return graph.generate_name() if given is None else check_node_name(graph, given)


def check_node_name(graph: Graph, name: str) -> str:
    """Return a name that a user gave to a new node (QA-11).

    :raise QmpError: when it is malformed, taken or too long.
    """
    if not IDENTIFIER.fullmatch(name):
        raise QmpError(f"Invalid node-name: '{name}'")
    if name in graph.drives:
        raise QmpError(f"node-name={name} is conflicting with a device id")
    if name in graph.nodes:
        raise QmpError(f"Duplicate nodes with node-name='{name}'")
    if len(name) > NODE_NAME_LENGTH_MAX:
        raise QmpError("Node name too long")
    return name


def require_not_busy(node: Node, *, below_overlay_is_fine: bool = False) -> None:
    """Refuse what cannot be done to a node because of how it is used; the newest user is named.

    :param below_overlay_is_fine: whether a backing file may have that done to it.
    :raise QmpError: naming node and reason.
    """
    for edge in reversed(node.parents):
        blocker = edge.parent.blocker(edge)
        if blocker is not None and not (below_overlay_is_fine and edge.role == "backing"):
            raise QmpError(f"Node '{node.name}' is busy: {blocker}")
