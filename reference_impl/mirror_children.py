"""Both disks as children of the mirror's filter: the source as ``file``, the target as ``target``.

This is what the series of 2018 left to do, and how QEMU's copy-before-write has done it since. The filter is then the
one user of both disks. What follows from that:

- the filter has the permission to write the target, not a user of its own beside it that nobody can name;
- whoever drains the target drains the filter, so guests wait too. In the other layout the job pauses and guests do not,
  and an active write reaches a disk that somebody believes to be quiet;
- queries show the target below the filter; the chain of a disk's images goes through ``file``, as with all filters but
  QEMU's mirror.

The job goes on holding filter, source and target, without rights to the last two: that is how whoever wants to do
something to them is told of the job. Source: TD-2, TD-3, GAP-13; ``docs/modes.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from reference_impl.graph import Edge, Graph, Node
from reference_impl.mirror_filter import MirrorFilter
from reference_impl.permissions import NO_ACCESS, Access

TARGET = "target"


class BothChildrenFilter(MirrorFilter):
    """The filter node; its children are ``file``, the source, which it shows, and ``target``, which it only writes."""

    source_role = "file"
    # Nothing else in a schema tells of the layout of a node that no user can make.
    command_features: ClassVar[Mapping[str, tuple[str, ...]]] = {"blockdev-mirror": ("both-children",)}

    def __init__(self, graph: Graph, name: str, source: Node, granularity_bytes: int) -> None:
        super().__init__(graph, name, source, granularity_bytes)
        self._target_access = NO_ACCESS

    def use_target(self, target: Node, access: Access) -> list[Edge]:
        self._target_access = access
        self.graph.attach(self, TARGET, target)
        return []

    def child_access(self, edge: Edge, users: Access) -> Access:
        if edge.role != TARGET:
            return super().child_access(edge, users)
        return NO_ACCESS if self.stopped else self._target_access
