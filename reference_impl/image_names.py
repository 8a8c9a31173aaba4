"""Finds images of a chain by the names of their files, as commands do that were there before nodes had names.

A name is taken from where the image above is: as a path from its folder. If that image is over another backing file
than it says, or is over nothing that has a path, only the backing file's own name counts.

Source: 040-RP-top_is_active, 040-OB-commit_to_a; what counts as the same is what QEMU 7.2 and 10.0 find.
"""

from __future__ import annotations

import os

from reference_impl.drivers.overlay import OverlayNode
from reference_impl.graph import Graph, Node


def find_below(graph: Graph, top: Node, name: str) -> Node | None:
    """The first image below `top` that has that name; None if there is none."""
    layer: Node | None = graph.skip_filters(top)
    while layer is not None and (below := graph.backing_chain_next(layer)) is not None:
        said = layer.backing_file if isinstance(layer, OverlayNode) else ""
        if _is_path(said) and _is_path(name) and _from(layer, said) == _from_here(below.filename):
            if _from(layer, name) == _from(layer, said):
                return below
        elif below.filename == name:
            return below
        layer = below
    return None


def _is_path(name: str) -> bool:
    """Whether it is one, and no name with a protocol."""
    return bool(name) and ":" not in name.partition("/")[0]


def _from(image: Node, name: str) -> str:
    return _from_here(os.path.join(os.path.dirname(image.filename), name))


def _from_here(name: str) -> str:
    return os.path.normpath(name)
