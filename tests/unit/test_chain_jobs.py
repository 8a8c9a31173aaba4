"""Commits below the active layer and streams: what transcripts do not show, or real programs cannot be brought to."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from reference_kit import MIB, Kit, state_of

from harness.images import empty_image, storage_bytes
from harness.storage import HeldStorage, Operation
from reference_impl.drivers.overlay import OverlayNode
from reference_impl.graph import Node
from reference_impl.job import IGNORED_ERRORS_MAX

KIB = 1024


class ChainKit(Kit):
    """A chain of overlays ``n0`` (the lowest) to ``n2``; ``n1`` holds a mebibyte of 0x22."""

    def __init__(self, length: int = MIB) -> None:
        super().__init__(guest=False)
        self.files = [self.overlay(f"n{number}", length, f"n{number - 1}" if number else None) for number in range(3)]
        self.fill("n1", length, 0x22)

    def overlay(self, name: str, size: int, backing: str | None) -> HeldStorage:
        storage = self.disk(f"{name}-file", storage_bytes(size, 64 * KIB))
        storage.write_bytes(0, empty_image(size))
        self.do("blockdev-add", driver="qcow2", node_name=name, file=f"{name}-file", backing=backing)
        return storage

    def node(self, name: str) -> Node:
        return self.session.machine.graph.nodes[name]

    def run(self, coroutine: Any) -> Any:
        task = self.scheduler.start(coroutine, "test")
        self.session.settle()
        assert task.done, self.scheduler.waits()
        return task.result

    def fill(self, name: str, length: int, value: int) -> None:
        self.run(self.node(name).write(0, bytes([value]) * length))

    def edges(self) -> list[str]:
        nodes = self.session.machine.graph.nodes.values()
        return sorted(edge.describe() + str(edge.access) for node in nodes for edge in node.parents)

    def begin(self, kind: str, **options: Any) -> None:
        given = {"top_node": "n1"} if kind == "commit" else {}
        self.do(f"block-{kind}", **({"job_id": "j", "device": "n2"} | given | options))


@pytest.mark.parametrize("kind", ["commit", "stream"])
def test_chain_job_that_is_refused_leaves_every_edge_as_it_was(kind: str) -> None:
    kit = ChainKit()
    before = kit.edges()
    given = {"top_node": "n1"} if kind == "commit" else {}
    kit.refusal(f"block-{kind}", job_id="j", device="n2", filter_node_name="n0", **given)
    kit.refusal(f"block-{kind}", job_id="j", device="n2", speed=-1, **given)
    kit.refusal(f"block-{kind}", job_id="1", device="n2", **given)
    kit.do("blockdev-add", driver="blkdebug", node_name="guard", image="n0", unshare_child_perms=["consistent-read"])
    refusal = kit.refusal(f"block-{kind}", job_id="j", device="n2", **given)
    if kind == "commit":
        assert refusal.startswith("Permission conflict on node 'n0': permissions 'consistent read'")
    else:
        assert refusal.startswith("Permission conflict on node 'n0'")
    kit.do("blockdev-del", node_name="guard")
    assert kit.edges() == before
    assert kit.session.machine.jobs == {}
    assert not any(edge.frozen for name in ("n1", "n2") for edge in kit.node(name).children.values())


@pytest.mark.parametrize("kind", ["commit", "stream"])
@pytest.mark.parametrize("end", ["cancel", "finalize"])
def test_chain_job_leaves_nothing_frozen_and_nobody_quiet(kind: str, end: str) -> None:
    kit = ChainKit()
    kit.begin(kind, auto_finalize=False)
    kit.wait_state("pending")
    assert kit.node("n1").children["backing"].frozen or kind == "stream"
    kit.verb(end)
    kit.wait_state("null")
    for node in kit.session.machine.graph.nodes.values():
        assert (node.quiesce_count, node.in_flight) == (0, 0), node
        assert not any(edge.frozen for edge in node.children.values()), node
    assert set(kit.session.machine.graph.nodes) >= {"n0", "n1", "n2"}
    assert not any(node.is_of_job for node in kit.session.machine.graph.nodes.values())


def test_commit_that_ignores_an_error_that_stays_lets_time_pass() -> None:
    kit = ChainKit()
    kit.files[0].fail(Operation.WRITE, errno.EIO, count=None)
    kit.begin("commit", on_error="ignore")
    begun = kit.scheduler.now_ns
    kit.pass_ms(1000)
    errors = kit.events.count("BLOCK_JOB_ERROR")
    assert kit.scheduler.now_ns - begun == 1_000_000_000
    assert IGNORED_ERRORS_MAX <= errors <= 12 * IGNORED_ERRORS_MAX
    kit.verb("cancel")
    kit.wait_state("null")


def test_job_that_waits_for_requests_at_its_end_can_still_be_cancelled() -> None:
    kit = ChainKit()
    disk = kit.files[1]
    rule = disk.hold(Operation.READ)
    kit.begin("commit")
    job = kit.session.machine.jobs["j"]
    reader = kit.scheduler.start(kit.node("n2").read(0, 512), "reader")
    kit.session.settle()
    mine = next(request for request in disk.held if request.length == 512)
    while others := [request for request in disk.held if request is not mine]:
        kit.release(others[0])
    assert (job.progress_remaining, state_of(job), reader.done) == (0, "running", False)
    kit.verb("cancel")
    assert state_of(job) == "running"
    rule.remove()
    kit.release(mine)
    assert reader.done
    assert kit.events[-4:] == ["aborting", "BLOCK_JOB_CANCELLED", "concluded", "null"]
    assert kit.node("n2").children["backing"].node is kit.node("n1")


def test_image_notes_what_it_is_over_when_the_images_between_go() -> None:
    kit = ChainKit()
    kit.begin("commit", backing_file="elsewhere")
    kit.wait_state("null")
    top = kit.node("n2")
    assert isinstance(top, OverlayNode)
    assert (top.backing_file, top.backing_format) == ("elsewhere", "qcow2")
    kit.do("block-stream", job_id="j", device="n2")
    kit.wait_state("null")
    assert (top.backing_file, top.backing_format) == ("", "")


def test_bitmap_of_an_image_is_not_marked_by_what_a_stream_keeps() -> None:
    kit = ChainKit()
    kit.do("block-dirty-bitmap-add", node="n2", name="bitmap")
    kit.begin("stream")
    kit.wait_state("null")
    assert kit.node("n2").bitmaps[0].count_bytes == 0
    assert kit.run(kit.node("n2").read(0, 512)) == b"\x22" * 512


def test_stream_reads_what_it_copies_once() -> None:
    kit = ChainKit()
    kit.begin("stream", bottom="n1")
    kit.wait_state("null")
    reads = [
        request.length for request in kit.files[1].requests if request.operation == "read" and request.length > 4096
    ]
    assert sum(reads) == MIB
