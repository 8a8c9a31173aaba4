"""What the queries say of nodes. Source: facts 5d, rows QQ-4 and QQ-5."""

from __future__ import annotations

from typing import Any

from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.graph import Edge, Graph, Node

_NO_LIMITS = dict.fromkeys(("bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"), 0)


def query_named_block_nodes(graph: Graph, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """All nodes, newest first; flat leaves out what the nodes below are."""
    nodes = list(graph.nodes.values())
    return [node_info(node, flat=arguments.get("flat", False)) for node in reversed(nodes)]


def node_info(node: Node, *, flat: bool = False) -> dict[str, Any]:
    """An entry of `query-named-block-nodes`; the newest bitmap comes first."""
    info: dict[str, Any] = {
        "node-name": node.name,
        "drv": node.driver,
        "ro": node.read_only,
        "file": node.filename,
        "backing_file_depth": 0 if flat else _backing_depth(node),
        "encrypted": False,
        "detect_zeroes": "off",
        "image": _image_info(node, flat=flat),
        "cache": {"writeback": True, "direct": False, "no-flush": False},
        "write_threshold": 0,
    }
    info |= _NO_LIMITS
    if node.bitmaps:
        info["dirty-bitmaps"] = [bitmap_info(bitmap) for bitmap in reversed(node.bitmaps)]
    return info


def _below(node: Node) -> Edge | None:
    """What queries take for a node's backing file: what a filter shows, whatever the role, is one too."""
    return Graph.filtered(node) or node.children.get("backing")


def _backing_depth(node: Node) -> int:
    below = _below(node)
    return 0 if below is None else 1 + _backing_depth(below.node)


def _image_info(node: Node, *, flat: bool) -> dict[str, Any]:
    info: dict[str, Any] = {"filename": node.filename, "format": node.driver, "virtual-size": node.size_bytes}
    below = _below(node)
    if below is not None and not flat:
        info["backing-image"] = _image_info(below.node, flat=False)
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
