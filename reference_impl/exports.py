"""`block-export-add` and its relatives: users of nodes that come and go, with their permissions.

An export of the reference is no server: what counts here is that it uses a node, as a guest does.

Source: 041-N-with_other_parent (exports count as users), MTP-1; the texts are QEMU 7.2's and 11.1's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from reference_impl.backend import Backend
from reference_impl.bitmap_export import find_exported
from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.graph import Graph, Node
from reference_impl.node_making import IDENTIFIER, find_node_only
from reference_impl.qmp_errors import QmpError


class Exports:
    """All exports by id, and the commands for them.

    :param backend: the class of an export's access to its node. :param emit: sends an event.
    """

    def __init__(self, graph: Graph, backend: type[Backend], emit: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._graph = graph
        self._backend = backend
        self._emit = emit
        self._exports: dict[str, Backend] = {}
        self._names: dict[str, str] = {}
        self._bitmaps: dict[str, dict[str, DirtyBitmap]] = {}

    def handlers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        """By the name of the command."""
        return {
            "block-export-add": self.block_export_add,
            "block-export-del": self.block_export_del,
            "query-block-exports": self.query_block_exports,
        }

    def open(self, export_id: str, node: Node, *, writable: bool | None) -> Backend:
        """Give access to a node under an id.

        :raise QmpError: when other users of the node forbid that.
        """
        export = self._exports[export_id] = self._backend(self._graph, node, export_id, writable=writable)
        return export

    def take_bitmaps(self, export_id: str, given: list[Any]) -> dict[str, DirtyBitmap]:
        """Make bitmaps part of an export, which keeps them busy until it is closed; return them by their names.

        :param given: names of bitmaps of the export's node or of those below, or objects that name the node, too.
        :raise QmpError: when one cannot be exported; then none is taken.
        """
        export = self._exports[export_id]
        found: dict[str, DirtyBitmap] = {}
        for name in given:
            node = export.edge.node
            if not isinstance(name, str):
                node, name = find_node_only(self._graph, name["node"]), name["name"]
            found[name] = find_exported(node, name, export_is_writable=export.writable)
        for bitmap in found.values():
            bitmap.busy = True
        self._bitmaps[export_id] = found
        return found

    def __getitem__(self, export_id: str) -> Backend:
        """What an export has of its node."""
        return self._exports[export_id]

    def __contains__(self, export_id: object) -> bool:
        return export_id in self._exports

    def close(self, export_id: str) -> None:
        """Take access away, unless that has happened."""
        for bitmap in self._bitmaps.pop(export_id, {}).values():
            bitmap.busy = False
        self._names.pop(export_id, None)
        export = self._exports.pop(export_id, None)
        if export is not None:
            export.close()

    def close_all(self) -> None:
        """End all exports, as when the machine quits."""
        for export_id in list(self._exports):
            self.block_export_del({"id": export_id})

    def block_export_add(self, options: dict[str, Any]) -> dict[str, Any]:
        """Export a node."""
        export_id = options["id"]
        if not IDENTIFIER.fullmatch(export_id):
            raise QmpError("Invalid block export id")
        if export_id in self._exports:
            raise QmpError(f"Block export id '{export_id}' is already in use")
        node = find_node_only(self._graph, options["node-name"])
        name = options.get("name", options["node-name"])
        if name in self._names.values():
            raise QmpError(f"NBD server already has export named '{name}'")
        writable = options.get("writable", False)
        if writable and node.read_only:
            raise QmpError("Cannot export read-only node as writable")
        self.open(export_id, node, writable=writable)
        self._names[export_id] = name
        try:
            self.take_bitmaps(export_id, options.get("bitmaps", []))
        except QmpError:
            self.close(export_id)
            raise
        return {}

    def block_export_del(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """End an export."""
        export_id = arguments["id"]
        if export_id not in self._exports:
            raise QmpError(f"Export '{export_id}' is not found")
        self.close(export_id)
        self._emit("BLOCK_EXPORT_DELETED", {"id": export_id})
        return {}

    def query_block_exports(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        """All exports, newest first."""
        return [
            {"id": export_id, "type": "nbd", "node-name": export.edge.node.name, "shutting-down": False}
            for export_id, export in reversed(self._exports.items())
        ]
