"""The block graph as `x-debug-query-block-graph` tells it, for transcripts and as a picture.

Ids and generated names mean nothing and differ from run to run, and so does the order. So nodes that nobody named are
called by their driver, users that are neither nodes nor jobs are called ``user``, and lines are sorted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PERMISSIONS = ("consistent-read", "write", "write-unchanged", "resize")

Graph = Mapping[str, Any]
"""What the command returns: nodes and edges."""


def describe(graph: Graph, drivers: Mapping[str, str]) -> list[str]:
    """One line for each edge: parent, role, child, what the parent needs and shares.

    :param drivers: of each node, by name.
    """
    names = _names(graph, drivers)
    return sorted(
        f"{names[edge['parent']]} -{edge['name']}-> {names[edge['child']]}"
        f" needs {permissions(edge['perm'])}, shares {permissions(edge['shared-perm'])}"
        for edge in graph["edges"]
    )


def permissions(given: list[str]) -> str:
    """Permissions in a fixed order; up to 6.0 there was one more, to change the graph, which nobody ever refused."""
    known = [name for name in PERMISSIONS if name in given]
    return "everything" if len(known) == len(PERMISSIONS) else "+".join(known) or "nothing"


def chain(graph: Graph, drivers: Mapping[str, str], node: str) -> str:
    """The nodes below one, down to the last, each with the role in which it is used."""
    names = _names(graph, drivers)
    ids = {name: number for number, name in names.items()}
    parts: list[str] = []
    current = ids[node]
    while (edge := _downward(graph, current)) is not None:
        current = edge["child"]
        parts.append(f"{names[current]} ({edge['name']})")
    return ", ".join(parts) or "nothing"


def _downward(graph: Graph, number: int) -> Mapping[str, Any] | None:
    edges: dict[str, Mapping[str, Any]] = {edge["name"]: edge for edge in graph["edges"] if edge["parent"] == number}
    if "target" in edges:
        return edges["file"]  # a filter that writes another disk besides the one that it shows
    for role in ("backing", "file", "image"):
        if role in edges:
            # An overlay's own file is not what it is over.
            return None if role == "file" and _is_image_file(edges) else edges[role]
    return None


def _is_image_file(edges: Mapping[str, Mapping[str, Any]]) -> bool:
    # Only formats with metadata need their file without anybody needing them.
    return "consistent-read" in edges["file"]["perm"] and "resize" not in edges["file"]["shared-perm"]


def dot(graph: Graph, drivers: Mapping[str, str]) -> str:
    """The graph in the language of Graphviz: nodes as boxes, jobs as ellipses, other users as points of a house."""
    names = _names(graph, drivers)
    shapes = {"block-driver": "box", "block-job": "ellipse", "block-backend": "house"}
    lines = ["digraph block_graph {", "  node [fontname=sans];", "  edge [fontname=sans, fontsize=10];"]
    numbers: dict[int, int] = {}
    for node in sorted(graph["nodes"], key=lambda node: (node["type"], names[node["id"]], node["id"])):
        numbers[node["id"]] = len(numbers) + 1
        label = names[node["id"]]
        if node["type"] == "block-driver" and drivers.get(node["name"], label) != label:
            label += f"\\n{drivers[node['name']]}"
        lines.append(f'  n{numbers[node["id"]]} [shape={shapes[node["type"]]}, label="{label}"];')
    edges = [
        f'  n{numbers[edge["parent"]]} -> n{numbers[edge["child"]]} [label="{edge["name"]}\\n'
        f'needs {permissions(edge["perm"])}\\nshares {permissions(edge["shared-perm"])}"];'
        for edge in graph["edges"]
    ]
    return "\n".join([*lines, *sorted(edges), "}"]) + "\n"


def _names(graph: Graph, drivers: Mapping[str, str]) -> dict[int, str]:
    return {node["id"]: _name(node, drivers) for node in graph["nodes"]}


def _name(node: Mapping[str, Any], drivers: Mapping[str, str]) -> str:
    name = str(node["name"])
    match node["type"]:
        case "block-job":
            return f"job {name}"
        case "block-backend":
            return "user"
        case _:
            return drivers.get(name, "a node") if name.startswith("#") else name
