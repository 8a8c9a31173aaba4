"""The graph: all nodes by name, and the rules for changing the edges between them.

A *node* does I/O. An *edge* leads from a parent to a node; a parent is another node (a filter, an overlay), a guest's
backend or a job. Everything that a guest or a job sends to a disk goes through an edge, which is why putting a mirror
filter above a node, or putting the target in the place of the source, is only a matter of moving edges.

Changes are made in *transactions*: when all edges are as they are to be, the permissions of the whole graph are
computed anew, users before what they use, and if they conflict every edge is put back. So a refused command has changed
nothing, and no order of changes is refused because of how things are half-way (UG-3 to UG-5).

Source: UG-1 to UG-5; UG-2 for what `replace` must leave alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from reference_impl.edges import Edge, Parent
from reference_impl.errors import ModelError
from reference_impl.node import BlockIoError, BlockStatus, Node
from reference_impl.permissions import ALL, NO_ACCESS, NONE, WRITE, WRITE_UNCHANGED, Access, describe
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Scheduler, WaitQueue

__all__ = ["BlockIoError", "BlockStatus", "Edge", "Graph", "Node", "Parent"]


class Drive(Protocol):
    """A user of a node that has a name of its own.

    :ivar edge: to its node; None as long as it has no medium.
    """

    @property
    def edge(self) -> Edge | None: ...


class Graph:
    """All nodes by name, and the rules for changing the edges between them.

    :ivar drives: users of nodes whose names commands take in place of the nodes'.
    :ivar drain_waiters: tasks that wait for a drained section to begin.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.nodes: dict[str, Node] = {}
        self.drives: dict[str, Drive] = {}
        self.drain_waiters = WaitQueue(scheduler)
        self._generated_count = 0
        self._undo: list[Callable[[], object]] | None = None
        self._turned_read_only: set[Node] = set()

    def generate_name(self) -> str:
        """A name that no user can give: they may not start with ``#``."""
        self._generated_count += 1
        return f"#block{self._generated_count:03}"

    def add(self, node: Node) -> None:
        """Enter a node under its name."""
        if node.name in self.nodes:
            raise ModelError(f"Duplicate nodes with node-name='{node.name}'")
        self.nodes[node.name] = node
        self.on_undo(lambda: self.nodes.pop(node.name))

    def remove(self, node: Node) -> None:
        """Take a node that nobody uses, and its edges to its children, out of the graph."""
        if node.parents:
            raise ModelError(f"node '{node.name}' is removed while {node.parents[0].parent.describe_parent()} uses it")
        node.on_removal()
        with self.transaction():
            for role in list(node.children):
                self.detach(node, role)
            del self.nodes[node.name]

    def remove_unused(self) -> None:
        """Take out every node that was made on the way and that nobody uses any more, from the top down."""
        while unused := [node for node in self.nodes.values() if not node.owned_by_monitor and not node.parents]:
            for node in unused:
                self.remove(node)

    def drain_progressed(self) -> None:
        """Let everybody who waits for a drained section look again."""
        if len(self.drain_waiters):
            self.drain_waiters.wake_all()

    # Transactions

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Change edges together: all of them, or, if there is an error or permissions conflict, none.

        A transaction within another is part of it. Nothing may wait within one.

        :raise QmpError: when permissions conflict, or a node that is to be written is read-only.
        """
        if self._undo is not None:
            yield
            return
        undo = self._undo = []
        try:
            yield
            self._refresh_permissions()
        except BaseException:
            self._undo = None
            for action in reversed(undo):
                action()
            raise
        finally:
            self._undo = None
            self._turned_read_only.clear()

    def set_read_only(self, node: Node, *, read_only: bool) -> None:
        """Let a node be only read, or let it be written again; the file that was opened for it follows.

        :raise QmpError: when somebody writes it, or it needs to write a node that is read-only, or that cannot be
            opened so.
        """
        before = node.read_only
        if before == read_only:
            return
        with self.transaction():
            node.read_only = read_only
            if read_only:
                self._turned_read_only.add(node)
            self.on_undo(lambda: setattr(node, "read_only", before))
            node.access_changed()
            for edge in node.children.values():
                if edge.role == "file" and not edge.node.owned_by_monitor:
                    self.set_read_only(edge.node, read_only=read_only)

    def on_undo(self, action: Callable[[], object]) -> None:
        """Say how to take back the change that was just made."""
        if self._undo is not None:
            self._undo.append(action)

    def _refresh_permissions(self) -> None:
        planned: dict[Edge, Access] = {}
        for node in self._users_first():
            users = self._check_users(node, planned)
            for edge in node.children.values():
                planned[edge] = node.child_access(edge, users)
        for edge, access in planned.items():
            edge.access = access

    def _check_users(self, node: Node, planned: dict[Edge, Access]) -> Access:
        """What all users of a node together need and share.

        :raise QmpError: when they conflict, in QEMU's words; the newest user is looked at first.
        """
        if not node.parents:
            return NO_ACCESS
        needed, shared = NONE, ALL
        for edge in node.parents:
            access = planned.get(edge, edge.access)
            needed |= access.needed
            shared &= access.shared
        if needed & ~shared:
            _explain_conflict(node, [(edge, planned.get(edge, edge.access)) for edge in reversed(node.parents)])
        if needed & (WRITE | WRITE_UNCHANGED) and node.read_only:
            if node in self._turned_read_only:
                raise QmpError(f"Read-only block node '{node.name}' cannot support read-write users")
            raise QmpError("Block node is read-only")
        return Access(needed, shared)

    def _users_first(self) -> Iterable[Node]:
        """All nodes, each after the nodes that use it, otherwise the newest first.

        :raise ModelError: when a node is below itself.
        """
        done: dict[Node, bool] = {}

        def visit(node: Node) -> None:
            if node in done:
                if not done[node]:
                    raise ModelError(f"node '{node.name}' is below itself")
                return
            done[node] = False
            for edge in node.parents:
                if isinstance(edge.parent, Node):
                    visit(edge.parent)
            del done[node]  # entered anew, so that the dictionary is in the order of completion
            done[node] = True

        for node in reversed(list(self.nodes.values())):
            visit(node)
        return done

    # Changes

    def attach(self, parent: Node, role: str, child: Node) -> Edge:
        """Make `child` the child of `parent` in that role.

        :raise QmpError: when the permissions conflict; nothing is changed then.
        """
        with self.transaction():
            edge = Edge(parent, child, role)
            parent.children[role] = edge
            self.on_undo(lambda: parent.children.pop(role))
        return edge

    def detach(self, parent: Node, role: str) -> None:
        """Take the child in a role away."""
        with self.transaction():
            edge = parent.children.pop(role)
            self.on_undo(lambda: parent.children.update({role: edge}))
            edge.remove()

    def insert_above(self, filter_node: Node, role: str, node: Node) -> None:
        """Put a filter above a node: everybody who used the node uses the filter, which uses the node.

        Whoever is below the filter already goes on using the node itself.

        :raise QmpError: when the permissions conflict; nothing is changed then.
        """
        with self.transaction():
            self.attach(filter_node, role, node)
            self.replace(node, filter_node)

    def replace(self, old: Node, new: Node) -> None:
        """Let everybody who uses `old` use `new`, but for those who `stays_below` spares.

        :raise QmpError: when the permissions conflict or a link is frozen; nothing is changed then.
        """
        with self.transaction():
            for edge in [edge for edge in old.parents if not edge.parent.stays and not self.stays_below(edge, new)]:
                if edge.frozen:
                    raise QmpError(f"Cannot change '{edge.role}' link to '{old.name}'")
                edge.move(new)

    def stays_below(self, edge: Edge, new: Node) -> bool:
        """Whether an edge must not be moved to `new`, because that would put `new` below itself (UG-2).

        That is so for the edges of `new` itself and of everything below it, however far.
        """
        return edge.parent in set(self.subtree(new))

    # Looking around

    def subtree(self, node: Node) -> Iterator[Node]:
        """The node and everything below it."""
        yield node
        for edge in node.children.values():
            yield from self.subtree(edge.node)

    @staticmethod
    def is_root(node: Node) -> bool:
        """Whether nobody but guests and exports uses the node: no other node, and no job."""
        return all(edge.role == "root" for edge in node.parents)

    @staticmethod
    def filtered(node: Node) -> Edge | None:
        """The edge through which a filter passes its requests on; None if the node is no filter."""
        if not node.is_filter or not node.children:
            return None
        return next(iter(node.children.values()))

    @classmethod
    def skip_filters(cls, node: Node) -> Node:
        """The first node, going down, that is no filter: the one that holds the data."""
        while edge := cls.filtered(node):
            node = edge.node
        return node

    @classmethod
    def backing_chain_next(cls, node: Node) -> Node | None:
        """What is read where the image does not say: below its filters and its overlay's; None if nothing is."""
        backing = cls.skip_filters(node).children.get("backing")
        return None if backing is None else cls.skip_filters(backing.node)

    @classmethod
    def chain_edge(cls, node: Node) -> Edge | None:
        """The link of a chain: what a filter passes its requests on through, or what an overlay lets show through."""
        return cls.filtered(node) or node.children.get("backing")

    @classmethod
    def below(cls, node: Node) -> Node | None:
        """The next node of the chain, filters included; None at its end."""
        edge = cls.chain_edge(node)
        return None if edge is None else edge.node

    @classmethod
    def chain(cls, node: Node) -> Iterator[Node]:
        """The node and what is below it through filters and backing links, filters included."""
        following: Node | None = node
        while following is not None:
            yield following
            following = cls.below(following)

    def freeze_chain(self, top: Node, base: Node) -> None:
        """Let nobody change a link of the chain from `top` down to `base`.

        :raise QmpError: when somebody has frozen one of them already; then none is frozen by this.
        """
        edges = list(self._links(top, base))
        for edge in edges:
            if edge.frozen:
                raise QmpError(
                    f"Cannot change '{edge.role}' link from {edge.parent.describe_parent().removeprefix('node ')} to "
                    f"'{edge.node.name}'"
                )
        for edge in edges:
            edge.frozen = True

    def unfreeze_chain(self, top: Node, base: Node) -> None:
        """Let the links be changed again."""
        for edge in self._links(top, base):
            edge.frozen = False

    def _links(self, top: Node, base: Node) -> Iterator[Edge]:
        node = top
        while node is not base:
            edge = self.chain_edge(node)
            assert edge is not None, f"node '{base.name}' is not below node '{top.name}'"
            yield edge
            node = edge.node

    def can_replace(self, source: Node, node: Node) -> bool:
        """Whether a copy of `source` may take the place of `node` without anybody seeing other data (BF-07).

        So it is if only filters are between the two, or if what is above them says that it does not care.
        """
        while source is not node:
            edge = self.filtered(source)
            if edge is None:
                return source.may_replace_child(node)
            source = edge.node
        return True


def _explain_conflict(node: Node, accesses: list[tuple[Edge, Access]]) -> None:
    """Name the first two users of a node that conflict.

    :raise QmpError: always, unless it is one user that does not share with others what it needs itself.
    """
    for unwilling, (_, shared) in accesses:
        for user, (needed, _) in accesses:
            if user is not unwilling and needed & ~shared:
                raise QmpError(
                    f"Permission conflict on node '{node.name}': permissions '{describe(needed & ~shared)}' are both "
                    f"required by {user.describe()} and unshared by {unwilling.describe()}."
                )
