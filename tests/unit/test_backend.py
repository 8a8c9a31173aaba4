"""The guest's end: requests wait out a drained section in order, and follow the edge wherever it leads then."""

from __future__ import annotations

import errno

import pytest
from held_node import HeldNode

from reference_impl.backend import Backend, GuestRequest
from reference_impl.graph import Graph
from reference_impl.scheduler import Scheduler


@pytest.fixture
def graph() -> Graph:
    return Graph(Scheduler())


def write(number: int) -> GuestRequest:
    return GuestRequest("write", number, 1, b"x")


@pytest.mark.parametrize(
    ("request_", "log"),
    [
        (GuestRequest("read", 1, 2), "read 1+2"),
        (GuestRequest("write", 1, 2, b"ab"), "write 1+2"),
        (GuestRequest("write", 1, 2, b"ab", fua=True), "write 1+2 fua"),
        (GuestRequest("zero", 1, 2), "zero 1+2"),
        (GuestRequest("zero", 1, 2, may_unmap=True, fua=True), "zero 1+2 unmap fua"),
        (GuestRequest("discard", 1, 2), "discard 1+2"),
        (GuestRequest("flush", 0, 0), "flush"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_request_becomes_one_request_of_the_node(graph: Graph, request_: GuestRequest, log: str) -> None:
    node = HeldNode(graph, "node", unmap=True)
    done: list[GuestRequest] = []
    request = Backend(graph, node, "guest").submit(request_, done.append)
    assert (node.log, request.errno, done) == ([log], 0, [request])
    assert request.data == (b"\0\0" if request.operation == "read" else None)


def test_request_that_fails_carries_the_errno(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    node.holds = True
    backend = Backend(graph, node, "guest")
    request = backend.submit(write(0))
    assert request.errno is None
    assert backend.drained_busy()
    node.let_go(errno.ENOSPC)
    assert request.errno == errno.ENOSPC
    assert not backend.drained_busy()


def test_request_of_an_unknown_kind_is_a_bug(graph: Graph) -> None:
    with pytest.raises(ValueError, match=r"^unknown guest operation 'trim'$"):
        Backend(graph, HeldNode(graph, "node"), "guest").submit(GuestRequest("trim", 0, 0))


def test_requests_in_a_drained_section_are_queued_and_not_in_flight(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    backend = Backend(graph, node, "guest")
    node.quiesce()
    node.quiesce()
    requests = [backend.submit(write(number)) for number in range(3)]
    assert (node.log, node.busy()) == ([], False)
    assert graph.scheduler.waits()[0] == "guest write 0+1: waits for the drained section of node 'node' to end"
    node.unquiesce()
    assert node.log == []
    node.unquiesce()
    assert node.log == ["write 0+1", "write 1+1", "write 2+1"]
    assert [request.errno for request in requests] == [0, 0, 0]


def test_queued_requests_follow_the_edge_to_where_it_leads_at_the_end(graph: Graph) -> None:
    old, new = HeldNode(graph, "old"), HeldNode(graph, "new")
    backend = Backend(graph, old, "guest")
    old.quiesce()
    new.quiesce()
    backend.submit(write(0))
    graph.replace(old, new)
    old.unquiesce()
    assert (old.log, new.log) == ([], [])
    new.unquiesce()
    assert (old.log, new.log) == ([], ["write 0+1"])


def test_requests_queued_behind_a_section_that_begins_again_keep_their_order(graph: Graph) -> None:
    """D17: the first that goes on may begin the next drained section; those behind it wait on, still in order."""
    node = HeldNode(graph, "node")
    backend = Backend(graph, node, "guest")

    def drain_again(request: GuestRequest) -> None:
        node.quiesce()

    node.quiesce()
    backend.submit(write(0), drain_again)
    backend.submit(write(1))
    backend.submit(write(2))
    node.unquiesce()
    assert node.log == ["write 0+1"]
    node.unquiesce()
    assert node.log == ["write 0+1", "write 1+1", "write 2+1"]


def test_request_that_goes_on_after_a_drain_is_in_flight_at_once(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    node.holds = True
    backend = Backend(graph, node, "guest")
    node.quiesce()
    backend.submit(write(0))
    node.unquiesce()
    assert backend.drained_busy()
    assert node.busy()


def test_drain_waits_for_the_guests_request(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    node.holds = True
    backend = Backend(graph, node, "guest")
    first = backend.submit(write(0))
    drain = graph.scheduler.start(node.drained_begin_and_wait(), "drain")
    second = backend.submit(write(1))
    assert not drain.done
    node.let_go()
    assert drain.done
    assert (first.errno, second.errno) == (0, None)


def test_closed_backend_has_no_edge(graph: Graph) -> None:
    node = HeldNode(graph, "node")
    backend = Backend(graph, node, "guest")
    assert [edge.parent.describe_parent() for edge in node.parents] == ["an unnamed block device"]
    backend.close()
    assert node.parents == []
