"""Nodes, edges, drained sections; and the two things that a node does for its driver: FUA and one flush at a time."""

from __future__ import annotations

import errno
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any

import pytest
from held_node import HeldNode, Passing

from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.errors import ModelError
from reference_impl.graph import BlockIoError, Edge, Graph, Node, Parent
from reference_impl.permissions import ALL, WRITE, Access
from reference_impl.qmp_errors import QmpError
from reference_impl.scheduler import Scheduler, Task


class Follower(Parent):
    """A parent that counts how often it was told to be quiet."""

    def __init__(self) -> None:
        self.quiet = 0
        self.in_flight = False

    def describe_parent(self) -> str:
        return "follower"

    def drained_begin(self) -> None:
        self.quiet += 1

    def drained_busy(self) -> bool:
        return self.in_flight

    def drained_end(self) -> None:
        self.quiet -= 1
        assert self.quiet >= 0


@pytest.fixture
def graph() -> Graph:
    return Graph(Scheduler())


def follow(node: Node) -> Follower:
    follower = Follower()
    Edge(follower, node, "root")
    return follower


def run(graph: Graph, coroutine: Coroutine[Any, Any, Any]) -> Task:
    return graph.scheduler.start(coroutine, "test")


# Nodes and edges


def test_name_that_is_taken_is_refused(graph: Graph) -> None:
    HeldNode(graph, "a")
    with pytest.raises(ModelError, match=r"^Duplicate nodes with node-name='a'$"):
        HeldNode(graph, "a")


def test_generated_names_are_such_as_no_user_can_give(graph: Graph) -> None:
    assert [graph.generate_name(), graph.generate_name()] == ["#block001", "#block002"]


def test_node_in_use_cannot_be_removed(graph: Graph) -> None:
    below, above = HeldNode(graph, "below"), HeldNode(graph, "above")
    graph.attach(above, "file", below)
    with pytest.raises(ModelError, match=r"^node 'below' is removed while node 'above' uses it$"):
        graph.remove(below)
    assert list(graph.nodes) == ["below", "above"]
    graph.remove(above)
    graph.remove(below)
    assert graph.nodes == {}


def test_insert_above_gives_the_filter_all_parents_and_the_node(graph: Graph) -> None:
    node, overlay, mirror = HeldNode(graph, "node"), HeldNode(graph, "overlay"), Passing(graph, "filter")
    graph.attach(overlay, "backing", node)
    follow(node)
    graph.insert_above(mirror, "backing", node)
    assert overlay.children["backing"].node is mirror
    assert [edge.parent.describe_parent() for edge in mirror.parents] == ["node 'overlay'", "follower"]
    assert [edge.parent for edge in node.parents] == [mirror]
    assert graph.is_root(mirror) is False
    assert graph.skip_filters(mirror) is node
    assert graph.skip_filters(node) is node


def test_replace_moves_every_parent_to_the_new_node(graph: Graph) -> None:
    old, new = HeldNode(graph, "old"), HeldNode(graph, "new")
    follower = follow(old)
    graph.replace(old, new)
    assert (old.parents, [edge.parent for edge in new.parents]) == ([], [follower])


def test_replace_by_the_node_above_makes_no_loop(graph: Graph) -> None:
    """UG-2: the new node keeps its own way down to the old one, and so does everything below it."""
    base, middle, top = HeldNode(graph, "base"), HeldNode(graph, "middle"), HeldNode(graph, "top")
    graph.attach(middle, "backing", base)
    graph.attach(top, "backing", middle)
    outsider = follow(base)
    graph.replace(base, top)
    assert middle.children["backing"].node is base
    assert [edge.parent for edge in base.parents] == [middle]
    assert [edge.parent for edge in top.parents] == [outsider]
    assert [node.name for node in graph.subtree(top)] == ["top", "middle", "base"]


def test_is_root_ignores_parents_that_are_no_nodes(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    follow(node)
    assert graph.is_root(node)


# Drained sections


def test_drained_section_tells_every_parent_once_however_nested(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    followers = [follow(node), follow(node)]
    node.quiesce()
    node.quiesce()
    assert [follower.quiet for follower in followers] == [1, 1]
    node.unquiesce()
    assert [follower.quiet for follower in followers] == [1, 1]
    node.unquiesce()
    assert [follower.quiet for follower in followers] == [0, 0]


def test_drained_section_that_never_began_cannot_end(graph: Graph) -> None:
    with pytest.raises(ModelError, match=r"^node 'node': a drained section ends that never began$"):
        HeldNode(graph, "node").unquiesce()


def test_drained_section_reaches_the_parents_of_parents(graph: Graph) -> None:
    below, above = HeldNode(graph, "below"), HeldNode(graph, "above")
    graph.attach(above, "file", below)
    follower = follow(above)
    below.quiesce()
    assert (follower.quiet, above.quiesce_count) == (1, 1)
    below.unquiesce()
    assert (follower.quiet, above.quiesce_count) == (0, 0)


def test_edge_made_within_a_drained_section_is_quiet_and_wakes_with_it(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    node.quiesce()
    follower = follow(node)
    assert follower.quiet == 1
    node.unquiesce()
    assert follower.quiet == 0


@pytest.mark.parametrize(("old_drained", "new_drained"), [(False, False), (False, True), (True, False), (True, True)])
def test_edge_that_moves_is_quiet_exactly_if_its_new_node_is_drained(
    graph: Graph, old_drained: bool, new_drained: bool
) -> None:
    """D3: a parent is let go exactly as often as it was stopped, wherever its edge leads meanwhile."""
    old, new = HeldNode(graph, "old"), HeldNode(graph, "new")
    follower = follow(old)
    if old_drained:
        old.quiesce()
    if new_drained:
        new.quiesce()
    graph.replace(old, new)
    assert follower.quiet == int(new_drained)
    if old_drained:
        old.unquiesce()
    assert follower.quiet == int(new_drained)
    if new_drained:
        new.unquiesce()
    assert follower.quiet == 0


def test_edge_removed_within_a_drained_section_lets_its_parent_go_on(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    follower = follow(node)
    node.quiesce()
    node.parents[0].remove()
    assert (follower.quiet, node.parents) == (0, [])
    node.unquiesce()
    assert follower.quiet == 0


def test_drained_begin_waits_for_requests_in_flight(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    node.holds = True
    run(graph, node.write(0, b"x"))
    drain = run(graph, node.drained_begin_and_wait())
    assert drain.waits_for == "node 'node' to be drained"
    node.let_go()
    assert drain.done
    assert (node.in_flight, node.quiesce_count) == (0, 1)


def test_drained_begin_waits_for_parents_that_are_busy(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    follower = follow(node)
    follower.in_flight = True
    drain = run(graph, node.drained_begin_and_wait())
    graph.drain_progressed()
    assert not drain.done
    follower.in_flight = False
    graph.drain_progressed()
    assert drain.done


def test_two_drained_sections_wait_for_the_same_request(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    node.holds = True
    run(graph, node.write(0, b"x"))
    drains = [run(graph, node.drained_begin_and_wait()) for _ in range(2)]
    node.let_go()
    assert [drain.done for drain in drains] == [True, True]
    assert node.quiesce_count == 2


# Requests


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, 4097), (4096, 1), (4095, 2)])
def test_request_that_leaves_the_disk_fails_and_never_reaches_the_driver(
    graph: Graph, offset: int, length: int
) -> None:
    node = HeldNode(graph, "node", unmap=True)
    for request in (
        node.read(offset, length),
        node.write(offset, bytes(length)),
        node.write_zeroes(offset, length),
        node.discard(offset, length),
    ):
        with pytest.raises(BlockIoError, match=r"^Input/output error$") as caught:
            run(graph, request)
        assert caught.value.errno == errno.EIO
    assert (node.log, node.in_flight) == ([], 0)


def test_request_at_the_very_end_of_the_disk_succeeds(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    assert run(graph, node.read(4095, 1)).result == b"\0"
    assert run(graph, node.read(4096, 0)).result == b""


def test_read_only_node_refuses_changes_and_never_flushes(graph: Graph) -> None:
    node = HeldNode(graph, "node", read_only=True)
    for request in (node.write(0, b"x"), node.write_zeroes(0, 1), node.discard(0, 1)):
        with pytest.raises(BlockIoError, match=r"^Operation not permitted$"):
            run(graph, request)
    run(graph, node.flush())
    run(graph, node.read(0, 1))
    assert node.log == ["read 0+1"]


@pytest.mark.parametrize(("unmap", "log"), [(True, ["zero 0+8 unmap", "discard 0+8"]), (False, ["zero 0+8"])])
def test_node_deallocates_only_if_it_was_opened_for_that(graph: Graph, unmap: bool, log: list[str]) -> None:
    node = HeldNode(graph, "node", unmap=unmap)
    run(graph, node.write_zeroes(0, 8, may_unmap=True))
    run(graph, node.discard(0, 8))
    run(graph, node.discard(0, 0))
    assert node.log == log


def test_bitmap_of_a_node_is_marked_after_the_write_and_also_when_it_fails(graph: Graph) -> None:
    """C9: marked before, a copy in between would clean the mark and take old data."""
    node = HeldNode(graph, "node", unmap=True)
    node.holds = True
    bitmap, disabled = DirtyBitmap(4096, 512), DirtyBitmap(4096, 512)
    disabled.disable()
    node.bitmaps += [bitmap, disabled]
    for number, request in enumerate((node.write(0, b"x"), node.write_zeroes(512, 1), node.discard(1024, 1))):
        run(graph, request)
        assert bitmap.count_bytes == 512 * number
        node.let_go()
        assert bitmap.count_bytes == 512 * (number + 1)
    task = run(graph, node.write(2048, b"x"))
    with pytest.raises(BlockIoError):
        node.let_go(errno.EIO)
    assert task.done
    assert bitmap.count_bytes == 2048
    assert disabled.count_bytes == 0


# FUA and flush


def test_fua_is_passed_on_where_the_driver_supports_it(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    run(graph, node.write(0, b"x", fua=True))
    run(graph, node.write_zeroes(0, 1, fua=True))
    assert node.log == ["write 0+1 fua", "zero 0+1 fua"]


def test_fua_becomes_a_flush_afterwards_where_the_driver_does_not(graph: Graph) -> None:
    node = Passing(graph, "node")
    run(graph, node.write(0, b"x", fua=True))
    run(graph, node.write_zeroes(0, 1, fua=True))
    assert node.log == ["write 0+1", "flush", "zero 0+1", "flush"]


def test_fua_write_that_fails_is_not_flushed(graph: Graph) -> None:
    node = Passing(graph, "node")
    node.holds = True
    run(graph, node.write(0, b"x", fua=True))
    with pytest.raises(BlockIoError):
        node.let_go(errno.EIO)
    assert node.log == ["write 0+1"]


def test_flush_that_emulates_fua_fails_the_write(graph: Graph) -> None:
    node = Passing(graph, "node")
    node.holds = True
    run(graph, node.write(0, b"x", fua=True))
    node.let_go()
    assert node.log == ["write 0+1", "flush"]
    with pytest.raises(BlockIoError, match=r"^No space left on device$"):
        node.let_go(errno.ENOSPC)
    assert node.in_flight == 0


def test_flushes_go_one_at_a_time_in_the_order_of_coming(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    node.holds = True
    flushes = [run(graph, node.flush()) for _ in range(3)]
    for number in range(3):
        assert node.log == ["flush"] * (number + 1)
        assert [flush.done for flush in flushes] == [index < number for index in range(3)]
        node.let_go()
    assert all(flush.done for flush in flushes)
    assert node.in_flight == 0


def test_flush_that_fails_lets_the_next_one_go_on(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    node.holds = True

    async def flush() -> int:
        try:
            await node.flush()
        except BlockIoError as error:
            return error.errno
        return 0

    first, second = run(graph, flush()), run(graph, flush())
    assert second.waits_for == "the flush of node 'node' before this one"
    node.let_go(errno.EIO)
    assert (first.result, node.log) == (errno.EIO, ["flush", "flush"])
    node.let_go()
    assert second.result == 0


# Users that come and go meanwhile (UD-1, UD-2)


class Leaver(Follower):
    """A user that reacts to a drained section by taking other edges away, or by letting go of a node."""

    def __init__(self, leaves: list[Edge], when: str) -> None:
        super().__init__()
        self.leaves = leaves
        self.when = when

    def _leave(self, when: str) -> None:
        if self.when == when:
            while self.leaves:
                self.leaves.pop().remove()

    def drained_begin(self) -> None:
        super().drained_begin()
        self._leave("begin")

    def drained_busy(self) -> bool:
        self._leave("busy")
        return super().drained_busy()

    def drained_end(self) -> None:
        super().drained_end()
        self._leave("end")


@pytest.mark.parametrize("when", ["begin", "busy", "end"])
def test_user_that_is_taken_away_while_a_node_is_drained_goes_on(graph: Graph, when: str) -> None:
    node = HeldNode(graph, "node")
    before, after = Follower(), Follower()
    leaves = [Edge(before, node, "root")]
    leaver = Leaver(leaves, when)
    Edge(leaver, node, "root")
    leaves.append(Edge(after, node, "root"))
    assert run(graph, node.drained_begin_and_wait()).done
    node.unquiesce()
    assert (before.quiet, leaver.quiet, after.quiet) == (0, 0, 0)
    assert [edge.parent for edge in node.parents] == [leaver]


@pytest.mark.parametrize("when", ["begin", "busy", "end"])
def test_node_whose_last_user_lets_go_while_it_is_drained_can_be_removed(graph: Graph, when: str) -> None:
    node, above = HeldNode(graph, "node"), Passing(graph, "above")
    graph.attach(above, "file", node)
    leaves: list[Edge] = []
    leaver = Leaver(leaves, when)
    leaves.append(Edge(leaver, above, "root"))
    assert run(graph, node.drained_begin_and_wait()).done
    node.unquiesce()
    assert above.parents == []
    graph.remove(above)
    assert (node.parents, leaver.quiet) == ([], 0)


# Frozen chains


def chain_of(graph: Graph, count: int) -> list[Node]:
    nodes: list[Node] = [HeldNode(graph, f"n{number}") for number in range(count)]
    for below, above in pairwise(nodes):
        graph.attach(above, "backing", below)
    return nodes


def test_chain_that_is_frozen_in_part_is_not_frozen_again(graph: Graph) -> None:
    nodes = chain_of(graph, 4)
    graph.freeze_chain(nodes[2], nodes[1])
    with pytest.raises(QmpError, match=r"^Cannot change 'backing' link from 'n2' to 'n1'$"):
        graph.freeze_chain(nodes[3], nodes[0])
    assert [node.children["backing"].frozen for node in nodes[1:]] == [False, True, False]
    graph.unfreeze_chain(nodes[2], nodes[1])
    graph.freeze_chain(nodes[3], nodes[0])
    assert all(node.children["backing"].frozen for node in nodes[1:])


def test_node_that_turns_read_only_is_named_to_who_writes_it(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    Edge(Follower(), node, "root", Access(WRITE, ALL))
    with pytest.raises(QmpError, match=r"^Read-only block node 'node' cannot support read-write users$"):
        graph.set_read_only(node, read_only=True)
    assert not node.read_only
