"""Overlays, throttles, blkdebug and the raw window, over nodes that remember what they were asked."""

from __future__ import annotations

import errno
from collections.abc import Coroutine
from typing import Any

import pytest
from graph_requests import run
from held_node import HeldNode

from harness.images import empty_image
from reference_impl.drivers.blkdebug import BlkdebugNode, ErrorRule, Rules, StateRule
from reference_impl.drivers.image_header import HEAD_BYTES, ImageHeader, encode_header, parse_header, probe
from reference_impl.drivers.overlay import OverlayNode
from reference_impl.drivers.throttle import SECOND_NS, ThrottleGroup, ThrottleNode
from reference_impl.file_nodes import NullNode, PassThroughNode
from reference_impl.graph import BlockIoError, BlockStatus, Graph, Node
from reference_impl.qmp_errors import QmpError
from reference_impl.range_lock import RangeLock
from reference_impl.scheduler import Scheduler

CLUSTER = 512


class MemoryNode(Node):
    """A node over bytes, at once."""

    driver = "memory"

    def __init__(self, graph: Graph, name: str, size_bytes: int, fill: int = 0) -> None:
        super().__init__(graph, name)
        self.data = bytearray([fill]) * size_bytes
        graph.add(self)

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    async def do_read(self, offset: int, length: int) -> bytes:
        return bytes(self.data[offset : offset + length])

    async def do_write(self, offset: int, data: bytes, fua: bool) -> None:
        self.data[offset : offset + len(data)] = data

    async def do_flush(self) -> None:
        return None


@pytest.fixture
def graph() -> Graph:
    return Graph(Scheduler())


def overlay(graph: Graph, size_bytes: int = 8 * CLUSTER, backing: Node | None = None) -> OverlayNode:
    file = MemoryNode(graph, "file", 2 * size_bytes)
    node = OverlayNode(graph, "overlay", file, unmap=True)
    node.open(ImageHeader(size_bytes, CLUSTER), backing)
    graph.add(node)
    return node


def test_header_of_an_empty_image_is_understood() -> None:
    image = empty_image(1 << 20, 4096, "base")
    assert parse_header(image[:HEAD_BYTES]) == ImageHeader(1 << 20, 4096, "base", "raw")
    assert parse_header(empty_image(1 << 20)[:HEAD_BYTES]) == ImageHeader(1 << 20)


@pytest.mark.parametrize(
    "header",
    [
        ImageHeader(1 << 20),
        ImageHeader(12345 * 512, 2 << 20, "base.img", "qcow2"),
        ImageHeader(1 << 40, 65536, "a" * 1023, has_subclusters=True),
    ],
)
def test_header_says_what_it_was_made_of(header: ImageHeader) -> None:
    assert parse_header(encode_header(header)) == header
    assert probe(encode_header(header)) == "qcow2"


@pytest.mark.parametrize(
    ("head", "image_format"),
    [
        (b"", "raw"),
        (bytes(512), "raw"),
        (b"QFI\xfb\0\0\0\x01", "qcow"),
        (b"QFI\xfb\0\0\0\x09", "qcow2"),
        (b"QFI\xfb\0\0\0\0", "raw"),
        (b"vhdxfile", "vhdx"),
        (b"QED\0", "qed"),
        (b"conectix", "vpc"),
        (b"KDMV", "vmdk"),
        (bytes(64) + b"\x7f\x10\xda\xbe", "vdi"),
    ],
)
def test_beginnings_of_formats_are_told_apart(head: bytes, image_format: str) -> None:
    assert probe(head) == image_format


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Image is not in qcow2 format"),
        (bytes(104), "Image is not in qcow2 format"),
        (b"QFI\xfb\x00\x00\x00\x09" + bytes(96), "Unsupported qcow2 version 9"),
        (b"QFI\xfb\x00\x00\x00\x03" + bytes(15) + b"\x08" + bytes(81), "Unsupported cluster size: 2^8"),
    ],
)
def test_header_of_something_else_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(QmpError) as caught:
        parse_header(data)
    assert caught.value.description == message


def test_overlay_shows_its_backing_file_and_zeroes_beyond_it(graph: Graph) -> None:
    node = overlay(graph, backing=MemoryNode(graph, "backing", 700, 0x11))
    assert run(graph, node.read(600, 200)) == bytes([0x11]) * 100 + bytes(100)


def test_first_write_to_a_cluster_brings_the_rest_along(graph: Graph) -> None:
    backing = MemoryNode(graph, "backing", 8 * CLUSTER, 0x11)
    node = overlay(graph, backing=backing)
    run(graph, node.write(CLUSTER + 10, b"\x22" * 20))
    backing.data[:] = bytes(len(backing.data))
    expected = b"\x11" * 10 + b"\x22" * 20 + b"\x11" * (CLUSTER - 30)
    assert run(graph, node.read(CLUSTER, CLUSTER)) == expected
    assert run(graph, node.read(0, CLUSTER)) == bytes(CLUSTER)


def test_block_status_tells_absent_data_and_zero_clusters_apart(graph: Graph) -> None:
    node = overlay(graph, backing=MemoryNode(graph, "backing", 8 * CLUSTER, 0x11))
    run(graph, node.write(CLUSTER, b"\x22"))
    run(graph, node.write_zeroes(2 * CLUSTER, 2 * CLUSTER))
    assert run(graph, node.block_status(0, 8 * CLUSTER)) == BlockStatus(CLUSTER, False, False, False)
    assert run(graph, node.block_status(CLUSTER, 8 * CLUSTER - CLUSTER)) == BlockStatus(CLUSTER, True, False, True)
    assert run(graph, node.block_status(2 * CLUSTER, 4 * CLUSTER)) == BlockStatus(2 * CLUSTER, False, True, True)


def test_zeroes_over_parts_of_clusters_keep_the_rest(graph: Graph) -> None:
    node = overlay(graph, backing=MemoryNode(graph, "backing", 8 * CLUSTER, 0x11))
    run(graph, node.write_zeroes(100, 3 * CLUSTER))
    data = run(graph, node.read(0, 4 * CLUSTER))
    assert data == b"\x11" * 100 + bytes(3 * CLUSTER) + b"\x11" * (CLUSTER - 100)


def test_discard_hides_the_backing_file_in_whole_clusters_only(graph: Graph) -> None:
    node = overlay(graph, backing=MemoryNode(graph, "backing", 8 * CLUSTER, 0x11))
    run(graph, node.discard(10, 2 * CLUSTER))
    assert run(graph, node.read(0, 3 * CLUSTER)) == b"\x11" * CLUSTER + bytes(CLUSTER) + b"\x11" * CLUSTER


def test_overlay_that_grows_reads_as_zeroes_there_whatever_is_below(graph: Graph) -> None:
    node = overlay(graph, 2 * CLUSTER, MemoryNode(graph, "backing", 8 * CLUSTER, 0x11))
    node.truncate(4 * CLUSTER)
    assert run(graph, node.read(0, 4 * CLUSTER)) == b"\x11" * 2 * CLUSTER + bytes(2 * CLUSTER)


def test_overlay_without_room_for_a_cluster_has_no_space(graph: Graph) -> None:
    node = OverlayNode(graph, "overlay", MemoryNode(graph, "file", 2 * CLUSTER))
    node.open(ImageHeader(8 * CLUSTER, CLUSTER), None)
    graph.add(node)
    run(graph, node.write(0, b"\x11"))
    with pytest.raises(BlockIoError) as caught:
        run(graph, node.write(CLUSTER, b"\x11"))
    assert caught.value.errno == errno.ENOSPC
    assert run(graph, node.read(0, 2 * CLUSTER)) == b"\x11" + bytes(2 * CLUSTER - 1)


def test_writes_to_one_new_cluster_at_the_same_time_lose_nothing(graph: Graph) -> None:
    backing = HeldNode(graph, "backing")
    node = overlay(graph, backing=backing)
    backing.holds = True
    for offset, value in ((0, b"\x01" * 8), (100, b"\x02" * 8)):
        graph.scheduler.start(node.write(offset, value), f"write {offset}")
    while backing.waiting:
        backing.let_go()
        graph.scheduler.settle()
    backing.holds = False
    data = run(graph, node.read(0, CLUSTER))
    assert data[:8] == b"\x01" * 8
    assert data[100:108] == b"\x02" * 8


# Throttles


def throttled(graph: Graph, **limits: int) -> ThrottleNode:
    group = ThrottleGroup(graph.scheduler, "group", {name.replace("_", "-"): value for name, value in limits.items()})
    node = ThrottleNode(graph, "slow", MemoryNode(graph, "below", 1 << 20), group)
    graph.add(node)
    return node


def start_writes(graph: Graph, node: Node, count: int, length: int = 512) -> list[int]:
    done: list[int] = []

    async def write(number: int) -> None:
        await node.write(number * length, bytes(length))
        done.append(graph.scheduler.now_ns)

    for number in range(count):
        graph.scheduler.start(write(number), f"write {number}")
    graph.scheduler.settle()
    return done


@pytest.mark.parametrize(("limits", "per_second"), [({"iops_write": 10}, 10), ({"bps_total": 5120}, 10)])
def test_throttle_lets_as_many_through_in_a_second_as_it_says(
    graph: Graph, limits: dict[str, int], per_second: int
) -> None:
    done = start_writes(graph, throttled(graph, **limits), 3 * per_second)
    while graph.scheduler.advance_to_next_timer():
        graph.scheduler.settle()
    assert len(done) == 3 * per_second
    assert done == sorted(done)
    assert all(abs(time - number * SECOND_NS // per_second) <= SECOND_NS // 5 for number, time in enumerate(done))


def test_burst_lets_as_many_through_at_once_as_it_moves_in_its_length(graph: Graph) -> None:
    node = throttled(graph, iops_write=10, iops_write_max=100, iops_write_max_length=2)
    done = start_writes(graph, node, 300)
    assert len(done) == 11  # a tenth of a second of the burst's rate, and the one that finds the bucket full
    while graph.scheduler.advance_to_next_timer():
        graph.scheduler.settle()
    assert sum(time <= 2 * SECOND_NS for time in done) in range(200, 215)
    assert done[-1] in range(8 * SECOND_NS, 12 * SECOND_NS)


def test_large_requests_count_as_several(graph: Graph) -> None:
    # Each counts as four, and the bucket has room until it holds more than ten.
    assert len(start_writes(graph, throttled(graph, iops_write=100, iops_size=128), 30)) == 3


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (
            {"bps-total": 1, "bps-write": 1},
            "bps/iops/max total values and read/write values cannot be used at the same time",
        ),
        ({"iops-size": 512}, "iops size requires an iops value to be set"),
        ({"bps-read": -1}, "bps/iops/max values must be within [0, 1000000000000000]"),
        ({"bps-read-max": 5}, "bps_max/iops_max require corresponding bps/iops values"),
        ({"bps-read": 10, "bps-read-max": 5}, "bps_max/iops_max cannot be lower than bps/iops"),
        ({"bps-read": 10, "bps-read-max": 20, "bps-read-max-length": 0}, "the burst length cannot be 0"),
        ({"bps-read": 10, "bps-read-max-length": 2}, "burst length set without burst rate"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(graph: Graph, limits: dict[str, int], message: str) -> None:
    with pytest.raises(QmpError) as caught:
        ThrottleGroup(graph.scheduler, "group", limits)
    assert str(caught.value) == message


def test_throttle_without_limits_lets_everything_through(graph: Graph) -> None:
    assert len(start_writes(graph, throttled(graph), 100)) == 100


def test_drained_throttle_lets_everything_through(graph: Graph) -> None:
    node = throttled(graph, iops_total=1)
    done = start_writes(graph, node, 10)
    assert len(done) < 3
    node.quiesce()
    graph.scheduler.settle()
    assert len(done) == 10
    node.unquiesce()


# blkdebug


def debugged(graph: Graph, *errors: ErrorRule, states: tuple[StateRule, ...] = ()) -> BlkdebugNode:
    node = BlkdebugNode(graph, "debug", MemoryNode(graph, "below", 1 << 20), Rules(list(errors), list(states)))
    graph.add(node)
    return node


def fails(graph: Graph, coroutine: Coroutine[Any, Any, Any]) -> int:
    try:
        run(graph, coroutine)
    except BlockIoError as error:
        return error.errno
    return 0


def test_rule_without_event_fails_what_touches_its_sector(graph: Graph) -> None:
    node = debugged(graph, ErrorRule("none", io_types=("write",), errno=errno.ENOSPC, sector=2, immediately=True))
    assert fails(graph, node.write(0, bytes(1024))) == 0
    assert fails(graph, node.write(0, bytes(1025))) == errno.ENOSPC
    assert fails(graph, node.read(1024, 512)) == 0


def test_rule_fails_a_request_in_the_next_turn_of_the_main_loop_unless_at_once(graph: Graph) -> None:
    node = debugged(graph, ErrorRule("none", io_types=("write",)))
    failed: list[int] = []

    async def write() -> None:
        try:
            await node.write(0, bytes(512))
        except BlockIoError as error:
            failed.append(error.errno)

    graph.scheduler.start(write(), "write")
    assert failed == []
    graph.scheduler.settle()
    assert failed == [errno.EIO]


def test_rule_for_once_fails_one_request(graph: Graph) -> None:
    node = debugged(graph, ErrorRule("pwritev", io_types=("write",), once=True, immediately=True))
    assert [fails(graph, node.write(0, bytes(512))) for _ in range(3)] == [errno.EIO, 0, 0]


def test_rules_of_an_event_take_the_place_of_those_that_were_active(graph: Graph) -> None:
    first = ErrorRule("none", io_types=("write",), immediately=True)
    second = ErrorRule("pwritev_zero", io_types=("write-zeroes",), immediately=True)
    node = debugged(graph, first, second)
    assert fails(graph, node.write(0, bytes(512))) == errno.EIO
    assert fails(graph, node.write_zeroes(0, 512)) == errno.EIO
    assert fails(graph, node.write(0, bytes(512))) == 0


def flushes(graph: Graph, node: Node) -> int:
    assert fails(graph, node.write(0, bytes(512))) == 0
    return fails(graph, node.flush())


def test_states_decide_which_flush_fails(graph: Graph) -> None:
    # MRCE-1: the first flush goes well, the second fails. Who is above tells of it.
    states = (StateRule("flush_to_disk", 2, 1), StateRule("flush_to_disk", 3, 2))
    rule = ErrorRule("flush_to_disk", 2, ("flush",), once=True, immediately=True)
    raw = PassThroughNode(graph, "raw", debugged(graph, rule, states=states))
    assert [flushes(graph, raw) for _ in range(4)] == [0, errno.EIO, 0, 0]


def test_flush_fails_only_if_there_is_something_to_flush(graph: Graph) -> None:
    node = debugged(graph, ErrorRule("none", io_types=("flush",), once=True, immediately=True))
    assert fails(graph, node.flush()) == 0
    assert flushes(graph, node) == errno.EIO
    assert fails(graph, node.flush()) == 0


def test_throttle_passes_no_events_on(graph: Graph) -> None:
    node = debugged(graph, ErrorRule("read_aio", io_types=("read",), immediately=True))
    group = ThrottleGroup(graph.scheduler, "events", {})
    raw = PassThroughNode(graph, "raw", ThrottleNode(graph, "between", node, group))
    assert fails(graph, raw.read(0, 512)) == 0


def test_raw_above_tells_of_its_reads(graph: Graph) -> None:
    node = debugged(graph, ErrorRule("read_aio", io_types=("read",), once=True, immediately=True))
    raw = PassThroughNode(graph, "raw", node)
    assert fails(graph, node.read(0, 512)) == 0
    assert fails(graph, raw.read(0, 512)) == errno.EIO


# The raw window, and ranges


def test_raw_window_shows_a_part(graph: Graph) -> None:
    below = MemoryNode(graph, "below", 4096)
    raw = PassThroughNode(graph, "raw", below)
    raw.set_window(512, 1024)
    run(graph, raw.write(0, b"\x11" * 1024))
    assert raw.size_bytes == 1024
    assert bytes(below.data) == bytes(512) + b"\x11" * 1024 + bytes(2560)
    with pytest.raises(BlockIoError):
        run(graph, raw.read(1024, 1))
    with pytest.raises(QmpError, match=r"^Cannot resize fixed-size raw disks$"):
        raw.truncate(2048)


@pytest.mark.parametrize(
    ("offset", "size", "message"),
    [
        (4097, None, "Offset (4097) cannot be greater than size of the containing file (4096)"),
        (
            512,
            4096,
            "The sum of offset (512) and size (4096) has to be smaller or equal to the  actual size of the containing "
            "file (4096)",
        ),
    ],
)
def test_raw_window_outside_the_child_is_refused(graph: Graph, offset: int, size: int | None, message: str) -> None:
    raw = PassThroughNode(graph, "raw", MemoryNode(graph, "below", 4096))
    with pytest.raises(QmpError) as caught:
        raw.set_window(offset, size)
    assert caught.value.description == message
    assert raw.window == (0, None)


class Holders:
    """Some who hold ranges of one lock, or wait for them; each lets its own go when it is told to.

    :ivar order: their numbers, in the order in which they came to hold their ranges.
    """

    def __init__(self, graph: Graph, *ranges: tuple[int, int]) -> None:
        self.order: list[int] = []
        self._lock = RangeLock(graph.scheduler, "a node")
        self._below = HeldNode(graph, "below")
        self._below.holds = True
        for number, (start, end) in enumerate(ranges):
            graph.scheduler.start(self._hold(number, start, end), f"hold {number}")

    async def _hold(self, number: int, start: int, end: int) -> None:
        async with self._lock.hold(start, end):
            self.order.append(number)
            await self._below.read(0, 1)

    def let_go(self) -> None:
        """Have the one that has held its range longest let it go, and settle."""
        self._below.let_go()
        self._below.graph.scheduler.settle()


def test_ranges_that_overlap_are_held_one_after_the_other(graph: Graph) -> None:
    holders = Holders(graph, (0, 10), (5, 15), (20, 30), (14, 21))
    assert holders.order == [0, 2]
    for _ in range(4):
        holders.let_go()
    assert holders.order == [0, 2, 1, 3]


def test_ranges_below_and_next_to_one_that_is_held_are_free(graph: Graph) -> None:
    holders = Holders(graph, (10, 20), (0, 5), (5, 10), (20, 21), (30, 40), (25, 28))
    assert holders.order == [0, 1, 2, 3, 4, 5]


def test_one_range_asked_for_by_many_is_held_by_one_at_a_time(graph: Graph) -> None:
    holders = Holders(graph, (0, 10), (0, 10), (0, 10))
    for number in range(3):
        assert holders.order == list(range(number + 1))
        holders.let_go()


def test_null_node_reads_zeroes(graph: Graph) -> None:
    assert run(graph, NullNode(graph, "null", 4096, read_only=False, read_zeroes=True).read(0, 16)) == bytes(16)
