"""Permissions over the whole graph: conflicts, what drivers make of them, and that a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from held_node import HeldNode

from reference_impl.drivers.blkdebug import BlkdebugNode, Rules
from reference_impl.drivers.copy_on_read import CopyOnReadNode
from reference_impl.drivers.filter import FilterNode
from reference_impl.drivers.image_header import ImageHeader
from reference_impl.drivers.overlay import OverlayNode
from reference_impl.edges import Bystander, Edge
from reference_impl.errors import ModelError
from reference_impl.graph import Graph, Node
from reference_impl.mutants.surroundings import OnlyDirectChildrenAreSpared
from reference_impl.permissions import (
    ALL,
    CONSISTENT_READ,
    NONE,
    RESIZE,
    WRITE,
    WRITE_UNCHANGED,
    WRITER,
    Access,
    describe,
    list_names,
    of_backing,
    parse_names,
)
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Scheduler

HEADER = ImageHeader(4096, 512)


@pytest.fixture
def graph() -> Graph:
    return Graph(Scheduler())


def filter_above(graph: Graph, name: str, child: Node) -> FilterNode:
    node = FilterNode(graph, name, child)
    graph.add(node)
    return node


def guard_above(graph: Graph, name: str, child: Node, *, needs: int = NONE, refuses: int = NONE) -> BlkdebugNode:
    node = BlkdebugNode(graph, name, child, Rules(), needs=needs, refuses=refuses)
    graph.add(node)
    return node


def overlay_above(graph: Graph, name: str, file: Node, backing: Node | None = None) -> OverlayNode:
    node = OverlayNode(graph, name, file)
    node.open(HEADER, backing)
    graph.add(node)
    return node


def use(node: Node, needed: int, shared: int = ALL) -> Edge:
    return Edge(Bystander(), node, "root", Access(needed, shared))


def edges_of(graph: Graph) -> dict[tuple[str, str], tuple[str, Access, bool]]:
    return {
        (node.name, role): (edge.node.name, edge.access, edge in edge.node.parents)
        for node in graph.nodes.values()
        for role, edge in node.children.items()
    }


def test_permissions_are_named_as_messages_and_as_qmp_do() -> None:
    assert describe(WRITE | CONSISTENT_READ) == "consistent read, write"
    assert list_names(ALL) == ["consistent-read", "write", "write-unchanged", "resize"]
    assert parse_names(["write-unchanged", "resize"]) == WRITE_UNCHANGED | RESIZE
    assert describe(NONE) == ""


def test_filter_needs_what_its_users_need_together(graph: Graph) -> None:
    below = HeldNode(graph, "below")
    above = filter_above(graph, "above", below)
    use(above, CONSISTENT_READ)
    use(above, WRITE, ALL & ~RESIZE)
    assert above.children["file"].access == Access(CONSISTENT_READ | WRITE, ALL & ~RESIZE)


def test_last_user_that_leaves_takes_its_needs_along(graph: Graph) -> None:
    below = HeldNode(graph, "below")
    above = filter_above(graph, "above", below)
    use(above, *WRITER).remove()
    assert above.children["file"].access == Access(NONE, ALL)


def test_image_needs_its_file_for_itself_whoever_uses_it(graph: Graph) -> None:
    image = overlay_above(graph, "image", HeldNode(graph, "file"))
    writable = Access(CONSISTENT_READ | WRITE | RESIZE, CONSISTENT_READ | WRITE_UNCHANGED)
    assert image.children["file"].access == writable


def test_read_only_image_only_reads_its_file(graph: Graph) -> None:
    image = OverlayNode(graph, "image", HeldNode(graph, "file", read_only=True), read_only=True)
    image.open(HEADER, None)
    assert image.children["file"].access == Access(CONSISTENT_READ, CONSISTENT_READ | WRITE_UNCHANGED)


@pytest.mark.parametrize(
    ("shared", "expected"), [(ALL, ALL), (ALL & ~RESIZE, ALL), (CONSISTENT_READ, CONSISTENT_READ | WRITE_UNCHANGED)]
)
def test_overlay_shares_writes_of_its_backing_file_if_its_users_do(graph: Graph, shared: int, expected: int) -> None:
    backing = HeldNode(graph, "backing")
    overlay = overlay_above(graph, "overlay", HeldNode(graph, "file"), backing)
    use(overlay, CONSISTENT_READ, shared)
    assert overlay.children["backing"].access == Access(CONSISTENT_READ, expected)


def test_copy_on_read_writes_what_is_there_already(graph: Graph) -> None:
    node = CopyOnReadNode(graph, "filling", HeldNode(graph, "below"))
    graph.add(node)
    use(node, CONSISTENT_READ, NONE)
    assert node.children["file"].access == Access(CONSISTENT_READ | WRITE_UNCHANGED, WRITE_UNCHANGED)


def test_user_that_disturbs_another_far_below_is_refused_by_name(graph: Graph) -> None:
    below = HeldNode(graph, "below")
    guard_above(graph, "guard", below, refuses=WRITE)
    top = filter_above(graph, "top", filter_above(graph, "middle", below))
    before = edges_of(graph)
    message = (
        "Permission conflict on node 'below': permissions 'write' are both required by node 'middle' "
        r"\(uses node 'below' as 'file' child\) and unshared by node 'guard' \(uses node 'below' as 'image' child\)\."
    )
    with pytest.raises(QmpError, match=f"^{message}$"):
        use(top, WRITE)
    assert edges_of(graph) == before
    assert top.parents == []


def test_newest_user_is_asked_first_what_it_does_not_share(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    use(node, WRITE, NONE)
    with pytest.raises(QmpError, match=r"permissions 'write' are both required by an unnamed block device"):
        use(node, RESIZE, ALL & ~WRITE)


def test_writer_of_a_read_only_node_is_refused(graph: Graph) -> None:
    node = HeldNode(graph, "node", read_only=True)
    with pytest.raises(QmpError, match=r"^Block node is read-only$"):
        use(node, WRITE)
    use(node, CONSISTENT_READ)


def test_filter_that_would_let_two_write_what_is_not_shared_is_not_put_in(graph: Graph) -> None:
    # UG-1: the new filter needs to write what a user of the node does not let others write.
    node = HeldNode(graph, "node")
    use(node, NONE, ALL)
    guard = BlkdebugNode(graph, "guard", HeldNode(graph, "other"), Rules(), needs=WRITE)
    graph.detach(guard, "image")
    graph.add(guard)
    other = guard_above(graph, "unwilling", node, refuses=WRITE)
    before, parents = edges_of(graph), list(node.parents)
    with pytest.raises(QmpError, match=r"^Permission conflict on node 'node': permissions 'write' are both required"):
        graph.attach(guard, "image", node)
    assert edges_of(graph) == before
    assert node.parents == parents
    assert other.children["image"].node is node


def test_order_of_changes_within_a_transaction_does_not_matter(graph: Graph) -> None:
    # UG-3 to UG-5: half-way both users would want the node for themselves.
    node, other = HeldNode(graph, "node"), HeldNode(graph, "other")
    first = use(node, WRITE, NONE)
    with graph.transaction():
        second = use(node, WRITE, NONE)
        first.move(other)
    assert (first.node, second.node) == (other, node)


def test_failed_transaction_puts_every_edge_back(graph: Graph) -> None:
    node, other = HeldNode(graph, "node"), HeldNode(graph, "other")
    above = filter_above(graph, "above", node)
    edge = use(node, CONSISTENT_READ)
    before = edges_of(graph)

    def change_everything_and_fail() -> None:
        with graph.transaction():
            edge.move(other)
            edge.change_access(Access(WRITE, NONE))
            graph.detach(above, "file")
            graph.attach(above, "file", other)
            raise QmpError("no")

    with pytest.raises(QmpError, match=r"^no$"):
        change_everything_and_fail()
    assert edges_of(graph) == before
    assert (edge.node, edge.access) == (node, Access(CONSISTENT_READ, ALL))
    assert other.parents == []


def test_quiescence_follows_edges_that_are_put_back(graph: Graph) -> None:
    node, other = HeldNode(graph, "node"), HeldNode(graph, "other")
    above = filter_above(graph, "above", node)
    other.quiesce()

    def move_and_fail() -> None:
        with graph.transaction():
            above.children["file"].move(other)
            assert above.quiesce_count == 1
            raise QmpError("no")

    with pytest.raises(QmpError, match=r"^no$"):
        move_and_fail()
    assert above.quiesce_count == 0
    other.unquiesce()


def should_update_child(graph: Graph) -> tuple[Node, Node, Edge]:
    """The graph of UG-2: a guest over a node; a filter over a target that is an overlay of the very node."""
    node = HeldNode(graph, "node")
    guest = use(node, CONSISTENT_READ)
    target = overlay_above(graph, "target", HeldNode(graph, "file"), node)
    return node, filter_above(graph, "filter", target), guest


def test_node_below_the_new_one_however_far_keeps_its_edge(graph: Graph) -> None:
    node, above, guest = should_update_child(graph)
    graph.replace(node, above)
    assert guest.node is above
    assert graph.nodes["target"].children["backing"].node is node


def test_rule_of_2018_lets_the_new_node_be_below_itself() -> None:
    graph = OnlyDirectChildrenAreSpared(Scheduler())
    node, above, _ = should_update_child(graph)
    with pytest.raises(ModelError, match=r"^node '\w+' is below itself$"):
        graph.replace(node, above)


@pytest.mark.parametrize("graph_class", [Graph, OnlyDirectChildrenAreSpared])
@pytest.mark.parametrize("role", ["file", "backing"])
def test_insert_above_moves_users_whatever_their_role(graph_class: Callable[[Scheduler], Graph], role: str) -> None:
    # GAP-13: the parent's edge need not be a backing link.
    graph = graph_class(Scheduler())
    node, parent, above = HeldNode(graph, "node"), HeldNode(graph, "parent"), HeldNode(graph, "above")
    graph.attach(parent, role, node)
    graph.insert_above(above, "backing", node)
    assert parent.children[role].node is above
    assert above.children["backing"].node is node


def test_frozen_link_is_not_moved(graph: Graph) -> None:
    base = HeldNode(graph, "base")
    top = overlay_above(graph, "top", HeldNode(graph, "file"), base)
    graph.freeze_chain(top, base)
    with pytest.raises(QmpError, match=r"^Cannot change 'backing' link to 'base'$"):
        graph.replace(base, HeldNode(graph, "other"))
    assert top.children["backing"].node is base
    graph.unfreeze_chain(top, base)
    graph.replace(base, graph.nodes["other"])
    assert top.children["backing"].node is graph.nodes["other"]


def test_only_filters_may_be_between_a_copy_and_what_it_replaces(graph: Graph) -> None:
    base = HeldNode(graph, "base")
    image = overlay_above(graph, "image", HeldNode(graph, "file"), base)
    top = filter_above(graph, "top", filter_above(graph, "middle", image))
    assert [graph.can_replace(top, node) for node in graph.chain(top)] == [True, True, True, False]
    assert not graph.can_replace(top, graph.nodes["file"])


def test_chain_goes_through_filters_and_backing_links(graph: Graph) -> None:
    base = filter_above(graph, "base-filter", HeldNode(graph, "base"))
    image = overlay_above(graph, "image", HeldNode(graph, "file"), base)
    top = filter_above(graph, "top", image)
    assert [node.name for node in graph.chain(top)] == ["top", "image", "base-filter", "base"]
    assert graph.backing_chain_next(top) is graph.nodes["base"]
    assert graph.backing_chain_next(graph.nodes["base"]) is None


def test_overlay_lets_others_write_its_backing_file_only_if_its_own_users_let_them_write() -> None:
    for shared in range(ALL + 1):
        access = of_backing(Access(NONE, shared))
        assert bool(access.shared & WRITE) == bool(access.shared & RESIZE) == bool(shared & WRITE)
        assert access.shared & (CONSISTENT_READ | WRITE_UNCHANGED) == CONSISTENT_READ | WRITE_UNCHANGED
