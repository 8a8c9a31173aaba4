"""Mistakes in the layout in which both disks are children of the filter (`reference_impl.mirror_children`).

Each of them is one that QEMU's own layout does not invite: there the source is a backing file, and the target has a
user of its own.
"""

from __future__ import annotations

from reference_impl.graph import Edge, Graph, Node
from reference_impl.mirror_children import TARGET, BothChildrenFilter
from reference_impl.mutants.planting import plant
from reference_impl.permissions import Access

NEVER = "never released: argued against in docs/modes.md"


@plant("only-backing-is-spared", rows="GAP-13 TD-3", fixed="2018, with the series that this suite is about")
class OnlyBackingIsSpared(Graph):
    """Putting a node above another spares the new node's own link only if it is called ``backing``: a loop.

    That was the rule before the series of 2018, whose eighth patch made it one for all links. It does no harm as long
    as everybody who is put above something uses it as a backing file.
    """

    def stays_below(self, edge: Edge, new: Node) -> bool:
        return edge.role == "backing" and super().stays_below(edge, new)


@plant("only-backing-is-spared", rows="GAP-13 TD-3", fixed="2018, with the series that this suite is about")
class FilterBesideOldRule(BothChildrenFilter):
    """The layout that the old rule cannot cope with."""


@plant("target-drain-spares-guests", rows="TD-2 D1", fixed=NEVER)
class TargetDrainSparesGuests(BothChildrenFilter):
    """A drained section on the target pauses the job and not the guests: active writes reach a disk that is drained."""

    def drained_begin(self) -> None:
        if self._source_is_quiet():
            super().drained_begin()

    def drained_busy(self) -> bool:
        return self._source_is_quiet() and super().drained_busy()

    def drained_end(self) -> None:
        if self.quiesce_count:
            super().drained_end()

    def _source_is_quiet(self) -> bool:
        return bool(self.source.quiesce_count)


@plant("target-kept-at-the-end", rows="TD-2 BF-08", fixed=NEVER)
class TargetKeptAtTheEnd(BothChildrenFilter):
    """The filter still claims the target for itself when it is to take the source's place: completing is refused."""

    def child_access(self, edge: Edge, users: Access) -> Access:
        return self._target_access if edge.role == TARGET else super().child_access(edge, users)


@plant("target-writes-not-told", rows="TD-2 UG-1", fixed=NEVER)
class TargetWritesNotTold(BothChildrenFilter):
    """The filter asks for no permission to write the target: somebody who relies on its contents is not told."""

    def child_access(self, edge: Edge, users: Access) -> Access:
        return Access(0, 15) if edge.role == TARGET else super().child_access(edge, users)


@plant("filter-shows-target", rows="TD-2 TP-11", fixed=NEVER)
class FilterShowsTarget(Graph):
    """Whoever looks for the data below the filter finds the target's: chains, queries and refusals go astray."""

    @staticmethod
    def filtered(node: Node) -> Edge | None:
        if not node.is_filter or not node.children:
            return None
        return next(reversed(node.children.values()))


@plant("filter-shows-target", rows="TD-2 TP-11", fixed=NEVER)
class FilterOfTwoChildren(BothChildrenFilter):
    """The layout in which there are two to choose from."""
