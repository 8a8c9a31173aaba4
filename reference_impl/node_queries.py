"""What the queries say of nodes. Source: facts 5d, rows QQ-4 and QQ-5."""

from __future__ import annotations

from typing import Any

from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.graph import Graph, Node

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
    backing = node.children.get("backing")
    if backing is not None and not node.is_filter:
        info["backing_file"] = backing.node.filename
    if node.bitmaps:
        info["dirty-bitmaps"] = [bitmap_info(bitmap) for bitmap in reversed(node.bitmaps)]
    return info


def skip_implicit(node: Node) -> Node:
    """The node that users of this one are told of: filters that nobody named are passed over (D19)."""
    while node.is_implicit and (edge := Graph.filtered(node)) is not None:
        node = edge.node
    return node


def backing_below(node: Node) -> Node | None:
    """What an image is over, or what a filter filters; None if there is no such node."""
    edge = Graph.filtered(node) or node.children.get("backing")
    return None if edge is None else skip_implicit(edge.node)


def _backing_depth(node: Node) -> int:
    below = backing_below(node)
    return 0 if below is None else 1 + _backing_depth(below)


def _image_info(node: Node, *, flat: bool) -> dict[str, Any]:
    info: dict[str, Any] = {"filename": node.filename, "format": node.driver, "virtual-size": node.size_bytes}
    below = backing_below(node)
    if below is not None and not flat:
        info["backing-image"] = _image_info(below, flat=False)
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
