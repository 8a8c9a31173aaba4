"""The commands on dirty bitmaps that a user has.

A command with several mistakes is refused for the first, in QEMU's order, and then has changed nothing; so a merge of
several bitmaps is done as a whole or not at all. Texts and order are those of QEMU 7.1 and later, as observed.

Source: rows B2, B3, B5 to B7, B18, B19 and B21; QQ-4 for what `query-named-block-nodes` shows of it.
"""

from __future__ import annotations

from typing import Any

from reference_impl.bitmap_export import BitmapExport
from reference_impl.dirty_bitmap import SECTOR_BYTES, DirtyBitmap
from reference_impl.errors import BitmapError
from reference_impl.graph import Graph, Node
from reference_impl.mirror_commands import default_granularity_bytes
from reference_impl.monitor import Handler
from reference_impl.qmp_errors import QmpError

NAME_BYTES_MAX = 1023
"""How long the name of a bitmap may be, in bytes of UTF-8."""


class BitmapCommands:
    """Handlers for the bitmap commands, over a graph of nodes.

    :param bitmap_class: what users' bitmaps are.
    """

    def __init__(self, graph: Graph, bitmap_class: type[DirtyBitmap] = DirtyBitmap) -> None:
        self._graph = graph
        self._bitmap_class = bitmap_class

    def handlers(self) -> dict[str, Handler]:
        """By the name of the command."""
        return {
            "block-dirty-bitmap-add": self.add,
            "block-dirty-bitmap-remove": self.remove,
            "block-dirty-bitmap-clear": self.clear,
            "block-dirty-bitmap-enable": self.enable,
            "block-dirty-bitmap-disable": self.disable,
            "block-dirty-bitmap-merge": self.merge,
            "x-debug-block-dirty-bitmap-sha256": self.sha256,
        }

    # Section: one bitmap

    def add(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make a clean bitmap of a node; it records guest writes unless it is to be disabled.

        Any power of two from 512 that fits 32 bits will do as granularity: the limit of 64 MiB is the mirror's alone.
        """
        name = arguments["name"]
        if not name:
            raise QmpError("Bitmap name cannot be empty")
        node = self._graph.nodes.get(arguments["node"])
        if node is None:
            raise QmpError(f"Cannot find device='{arguments['node']}' nor node-name='{arguments['node']}'")
        granularity_bytes = arguments.get("granularity")
        if granularity_bytes is None:
            granularity_bytes = default_granularity_bytes(node)
        elif granularity_bytes < SECTOR_BYTES or granularity_bytes & (granularity_bytes - 1):
            raise QmpError("Granularity must be power of 2 and at least 512")
        if arguments.get("persistent"):
            # None of the reference's drivers has a format that could keep a bitmap.
            raise QmpError(f"Can't store persistent bitmaps to {node.name}: Operation not supported")
        if find_bitmap(node, name) is not None:
            raise QmpError(f"Bitmap already exists: {name}")
        if len(name.encode()) > NAME_BYTES_MAX:
            raise QmpError(f"Bitmap name too long: {name}")
        bitmap = self._bitmap_class(node.size_bytes, granularity_bytes, name)
        if arguments.get("disabled"):
            bitmap.disable()
        node.bitmaps.append(bitmap)
        return {}

    def remove(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Forget a bitmap that no operation has for itself."""
        node = self._node(arguments["node"])
        node.bitmaps.remove(self._checked(node, arguments["name"]))
        return {}

    def clear(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make a bitmap clean, whether it records or not (B21)."""
        self._checked(self._node(arguments["node"]), arguments["name"]).clear()
        return {}

    def enable(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Record guest writes from now on."""
        self._checked(self._node(arguments["node"]), arguments["name"]).enable()
        return {}

    def disable(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Record guest writes no longer; what is dirty stays."""
        self._checked(self._node(arguments["node"]), arguments["name"]).disable()
        return {}

    def sha256(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The hash of a bitmap's bits, whatever state it is in. Takes time in proportion to the size of the disk."""
        return {"sha256": self._bitmap(self._node(arguments["node"]), arguments["name"]).hbitmap.sha256()}

    # Section: several bitmaps

    def merge(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make dirty in one bitmap what is dirty in any of others; they may be of other nodes and other granularities.

        All are looked at before the first is merged, so that the target stays as it was when one is refused. Merging
        nothing changes nothing.
        """
        node = self._node(arguments["node"])
        target = self._bitmap(node, arguments["target"])
        sources = []
        for given in arguments["bitmaps"]:
            if isinstance(given, str):
                source = self._bitmap(node, given)
            else:
                source = self._bitmap(self._node(given["node"]), given["name"])
            try:
                target.check_merge_from(source)
            except BitmapError as error:
                raise QmpError(str(error)) from error
            sources.append(source)
        for source in sources:
            target.merge_from(source)
        return {}

    # Section: an export that shows a bitmap

    def open_export(self, node_name: str, bitmap_name: str) -> BitmapExport:
        """Show a bitmap to clients; it is busy until the export is closed.

        :raise QmpError: when there is no such node or bitmap, or the bitmap is busy.
        """
        return BitmapExport(self._node(node_name), bitmap_name)

    # Section: looking things up

    def _node(self, name: str) -> Node:
        node = self._graph.nodes.get(name)
        if node is None:
            raise QmpError(f"Node '{name}' not found")
        return node

    @staticmethod
    def _bitmap(node: Node, name: str) -> DirtyBitmap:
        bitmap = find_bitmap(node, name)
        if bitmap is None:
            raise QmpError(f"Dirty bitmap '{name}' not found")
        return bitmap

    def _checked(self, node: Node, name: str) -> DirtyBitmap:
        """A bitmap that a user may change now."""
        bitmap = self._bitmap(node, name)
        try:
            bitmap.check()
        except BitmapError as error:
            raise QmpError(str(error)) from error
        return bitmap


def find_bitmap(node: Node, name: str) -> DirtyBitmap | None:
    """The bitmap of that name on the node itself. A mirror's own bitmap has no name and is never found."""
    for bitmap in node.bitmaps:
        if bitmap.name is not None and bitmap.name == name:
            return bitmap
    return None
