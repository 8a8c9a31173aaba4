"""`x-debug-query-block-graph`: all nodes and their users, and every edge with its permissions.

Source: QEMU's command of that name; its ids are numbers that mean nothing, and so are these.
"""

from __future__ import annotations

from typing import Any

from reference_impl.devices import BlockDevice
from reference_impl.edges import Edge, Parent
from reference_impl.graph import Graph, Node
from reference_impl.job import Job
from reference_impl.permissions import list_names


def query_block_graph(graph: Graph) -> dict[str, Any]:
    """The whole graph: nodes newest first, then jobs, then everybody else who uses a node."""
    nodes = list(reversed(graph.nodes.values()))
    users = {edge.parent: None for node in nodes for edge in node.parents if not isinstance(edge.parent, Node)}
    jobs = [user for user in users if isinstance(user, Job)]
    others = [user for user in users if not isinstance(user, Job)]
    ids: dict[Parent, int] = {parent: number for number, parent in enumerate((*nodes, *jobs, *others), 1)}
    return {
        "nodes": [
            *({"id": ids[node], "type": "block-driver", "name": node.name} for node in nodes),
            *({"id": ids[job], "type": "block-job", "name": job.id} for job in jobs),
            *({"id": ids[user], "type": "block-backend", "name": _user_name(user)} for user in others),
        ],
        "edges": [_edge_info(edge, ids) for node in nodes for edge in node.parents],
    }


def _user_name(user: Parent) -> str:
    return user.name if isinstance(user, BlockDevice) else ""


def _edge_info(edge: Edge, ids: dict[Parent, int]) -> dict[str, Any]:
    return {
        "parent": ids[edge.parent],
        "child": ids[edge.node],
        "name": edge.role,
        "perm": list_names(edge.access.needed),
        "shared-perm": list_names(edge.access.shared),
    }
