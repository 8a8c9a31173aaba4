"""The links of the graph: who uses which node, in which role, with which permissions.

Source: facts D-table of the historic bugs (D1 to D5, D17) for quiescence; UG-1 for permissions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_impl.permissions import NO_ACCESS, Access

if TYPE_CHECKING:
    from reference_impl.graph import Node


class Parent:
    """Whoever holds an edge: a node, a guest's backend, a job. The defaults are those of one that never does I/O.

    :ivar stays: whether its edges keep leading to the node that they were made for when that node is replaced.
    """

    stays = False

    def describe_parent(self) -> str:
        """Who this is, for messages."""
        raise NotImplementedError

    def blocker(self, edge: Edge) -> str | None:
        """Why whoever wants to do something to the node as a whole has to wait; None if this parent does not mind."""
        return None

    def drained_begin(self) -> None:
        """Start no more requests."""

    def drained_busy(self) -> bool:
        """Whether requests of this parent, or of its own parents, may still be in flight."""
        return False

    def drained_end(self) -> None:
        """Requests may start again."""


class Edge:
    """A parent's link to a node.

    :ivar role: ``file``, ``image``, ``backing``, ``root``, or the name under which a job holds a node.
    :ivar access: what the parent needs and shares; of a node's edge to a child, what its driver makes of its users'.
    :ivar frozen: whether nobody may change where it leads: a job relies on the chain that it is part of.
    :ivar parent_quiesced: whether the parent has been told to be quiet because of this edge.
    """

    __slots__ = ("access", "frozen", "node", "parent", "parent_quiesced", "role")

    def __init__(self, parent: Parent, node: Node, role: str, access: Access = NO_ACCESS) -> None:
        """Make the edge.

        :raise QmpError: when that conflicts with what other users of the node need or share; there is no edge then.
        """
        self.parent = parent
        self.node = node
        self.role = role
        self.access = access
        self.frozen = False
        self.parent_quiesced = False
        with node.graph.transaction():
            self._link(node)
            node.graph.on_undo(self._unlink)

    def describe(self) -> str:
        """The edge in a message, as QEMU puts it: the parent, the node, the role."""
        return f"{self.parent.describe_parent()} (uses node '{self.node.name}' as '{self.role}' child)"

    def change_access(self, access: Access) -> None:
        """Need and share something else.

        :raise QmpError: as for a new edge; nothing is changed then.
        """
        graph, before = self.node.graph, self.access
        with graph.transaction():
            self.access = access
            graph.on_undo(lambda: setattr(self, "access", before))

    def move(self, node: Node) -> None:
        """Let the edge lead to another node; the parent is quiet exactly while the node it leads to is drained.

        :raise QmpError: as for a new edge; nothing is changed then.
        """
        graph, before = self.node.graph, self.node
        with graph.transaction():
            self._relink(node)
            graph.on_undo(lambda: self._relink(before))

    def remove(self) -> None:
        """Take the edge out of the graph; the parent may go on."""
        graph, node = self.node.graph, self.node
        with graph.transaction():
            self._unlink()
            graph.on_undo(lambda: self._link(node))

    def _link(self, node: Node) -> None:
        self.node = node
        node.parents.append(self)
        self._follow_quiescence()

    def _unlink(self) -> None:
        self.node.parents.remove(self)
        self.end_quiescence()

    def _relink(self, node: Node) -> None:
        self.node.parents.remove(self)
        self._link(node)

    def _follow_quiescence(self) -> None:
        if self.node.quiesce_count:
            self.begin_quiescence()
        else:
            self.end_quiescence()

    def begin_quiescence(self) -> None:
        """Keep the parent from starting requests, once however often this is asked."""
        if not self.parent_quiesced:
            self.parent_quiesced = True
            self.parent.drained_begin()

    def end_quiescence(self) -> None:
        """Let the parent go on, if this edge kept it from doing so."""
        if self.parent_quiesced:
            self.parent_quiesced = False
            self.parent.drained_end()


class Bystander(Parent):
    """A user of a node that does no I/O of its own accord: a job's access to its target, or a command's to a node."""

    def describe_parent(self) -> str:
        return "an unnamed block device"
