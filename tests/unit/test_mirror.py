"""The mirror job from inside: limits, buffers, the last granule, what is zeroed and what is copied, active writes.

Where a case shows what a user sees, these show what the storage is asked for, and in what portions.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest
from reference_kit import K64, MIB, MS, Kit, ranges, state_of

from reference_impl.mirror_operations import IN_FLIGHT_MAX


@pytest.fixture
def kit() -> Iterator[Kit]:
    kit = Kit()
    yield kit
    kit.session.close()


def finish(kit: Kit) -> None:
    """Let the mirror complete, and make sure that it copied everything and left nothing behind."""
    kit.source.clear_rules()
    kit.target.clear_rules()
    kit.source.release_all()
    kit.target.release_all()
    kit.wait_state("ready")
    kit.verb("complete")
    kit.wait_state("null")
    completed = kit.last_event("BLOCK_JOB_COMPLETED")
    assert completed["offset"] == completed["len"]
    assert "error" not in completed
    assert kit.source.first_difference(kit.target) is None
    machine = kit.session.machine
    assert sorted(machine.graph.nodes) == ["source", "target"]
    assert [node.quiesce_count for node in machine.graph.nodes.values()] == [0, 0]
    assert [node.in_flight for node in machine.graph.nodes.values()] == [0, 0]
    assert kit.scheduler.waits() == []


# Limits of the background copy


@pytest.mark.parametrize("held", ["source", "target"])
def test_sixteen_copies_are_in_flight_at_most(held: str) -> None:
    """C43: with a piece of 64 KiB in each, and never a seventeenth."""
    kit = Kit(64 * K64)
    storage = getattr(kit, held)
    storage.hold("read" if held == "source" else "write")
    # A dirty granule, a clean one, and so on: no run is longer than one granule.
    job = kit.mirror(sync="none")
    for number in range(0, 64, 2):
        kit.write(number * K64, K64, 0x22) if held == "target" else job.bitmap.set(number * K64, K64)
    kit.pass_ms(200)
    assert len(storage.held) == job.in_flight == IN_FLIGHT_MAX
    assert job.bytes_in_flight == IN_FLIGHT_MAX * K64
    storage.held[0].release()
    kit.session.settle()
    assert len(storage.held) == IN_FLIGHT_MAX
    kit.session.close()


def test_run_of_dirty_granules_is_copied_in_pieces_of_a_mebibyte() -> None:
    kit = Kit(4 * MIB)
    kit.mirror()
    kit.wait_state("ready")
    assert ranges(kit.target.requests, "write") == [(number * MIB, MIB) for number in range(4)]
    finish(kit)


@pytest.mark.parametrize(
    ("buffer", "piece"), [(K64, K64), (K64 + 1, 2 * K64), (1, K64), (3 * K64, 3 * K64), (32 * MIB, 2 * MIB)]
)
def test_buffer_is_rounded_up_to_granules_and_bounds_a_piece(buffer: int, piece: int) -> None:
    """C46, QA-08: a sixteenth of a large buffer is more than a mebibyte; a small one bounds everything in flight."""
    kit = Kit(4 * MIB)
    kit.target.hold("write")
    job = kit.mirror(buf_size=buffer)
    kit.wait_held(kit.target)
    assert job.buffer_bytes == -(-buffer // K64) * K64
    assert kit.target.held[0].length == piece
    assert job.bytes_in_flight <= job.buffer_bytes
    finish(kit)


@pytest.mark.parametrize(("granularity", "piece"), [(512, 512 * 1024), (1024, MIB), (4096, MIB)])
def test_copy_takes_no_more_vector_elements_than_a_request_may_have(granularity: int, piece: int) -> None:
    """C45: one element a granule, 1024 a request; so at granularity 512 a piece is half a mebibyte."""
    kit = Kit(2 * MIB)
    kit.mirror(granularity=granularity)
    kit.wait_state("ready")
    assert ranges(kit.target.requests, "write") == [(offset, piece) for offset in range(0, 2 * MIB, piece)]
    finish(kit)


@pytest.mark.parametrize("buffers", [1, 2, 3, 5])
def test_buffers_that_run_out_are_waited_for_and_all_come_back(buffers: int) -> None:
    """BF-05, C2: runs of one to three granules with gaps, whose copies share a few buffers."""
    kit = Kit(64 * K64)
    job = kit.mirror(sync="none", buf_size=buffers * K64)
    offset = 0
    for number in range(16):
        length = number % 3 + 1
        kit.write(offset, length * K64, 0x22)
        offset += (length + 1) * K64
    kit.target.hold("write")
    kit.session.wait(lambda: bool(kit.target.held), "a copy")
    while kit.target.held:
        assert sum(request.length for request in kit.target.held) <= buffers * K64
        kit.target.held[-1].release()  # the newest first: nobody may rely on order
        kit.pass_ms(100)
    assert (job.bitmap.count_bytes, job.in_flight, job.bytes_in_flight) == (0, 0, 0)
    assert job.buffers_free_count == job.buffers_count == buffers
    assert len(job.operations) == 0
    kit.session.close()


# Sizes


@pytest.mark.parametrize("copy_mode", ["background", "write-blocking"])
@pytest.mark.parametrize("size", [1, 511, 512, 513, K64 - 1, K64, K64 + 1, 2 * K64 + 12345, MIB + 1])
def test_odd_sizes_are_copied_whole_and_the_last_piece_is_clipped(size: int, copy_mode: str) -> None:
    """C6, C7, GAP-12."""
    kit = Kit(size)
    job = kit.ready_mirror(copy_mode=copy_mode)
    ends = [offset + length for offset, length in ranges(kit.target.requests, "write")]
    assert max(ends) == size
    kit.write(size - 1, 1, 0x33)
    kit.write(0, 1, 0x44)
    finish(kit)
    assert kit.target.size == size
    assert len(job.operations) == 0


@pytest.mark.parametrize("size", [K64 + 1, 3 * K64 - 512])
def test_last_granule_can_be_waited_for_again_after_its_copy(size: int) -> None:
    """C6: a tail divided down would stay claimed, and the next one on it would wait for ever."""
    kit = Kit(size)
    kit.ready_mirror(copy_mode="write-blocking")
    for value in range(3):
        kit.write(size - 1, 1, value)
    finish(kit)


def test_progress_of_a_last_granule_counts_it_whole() -> None:
    """QQ-3: dirty bytes are counted in granules, what was copied in bytes."""
    kit = Kit(K64 + 1)
    kit.target.hold("write")
    job = kit.mirror(buf_size=K64)
    kit.wait_held(kit.target)
    assert job.progress_total == 2 * K64
    finish(kit)
    completed = kit.last_event("BLOCK_JOB_COMPLETED")
    assert completed["len"] == completed["offset"] == K64 + 1


@pytest.mark.parametrize("verb", ["complete", "soft cancel", "force cancel"])
@pytest.mark.parametrize("copy_mode", ["background", "write-blocking"])
def test_disk_of_no_bytes_is_ready_at_once_and_ends_like_any_other(copy_mode: str, verb: str) -> None:
    """C15, QA-18."""
    kit = Kit(0)
    kit.mirror(copy_mode=copy_mode)
    assert kit.events == ["created", "running", "ready", "BLOCK_JOB_READY"]
    assert kit.last_event("BLOCK_JOB_READY")["len"] == 0
    if verb == "complete":
        kit.verb("complete")
    else:
        kit.do("block-job-cancel", device="j", force=verb == "force cancel")
    end = (
        ["aborting", "BLOCK_JOB_CANCELLED"] if verb == "force cancel" else ["waiting", "pending", "BLOCK_JOB_COMPLETED"]
    )
    kit.wait_state("null")
    assert kit.events[4:] == [*end, "concluded", "null"]


def test_disk_of_no_bytes_can_be_paused_and_completed_in_standby() -> None:
    kit = Kit(0)
    job = kit.mirror()
    kit.verb("pause")
    assert state_of(job) == "standby"
    kit.verb("complete")
    assert state_of(job) == "standby"
    kit.verb("resume")
    kit.wait_state("null")
    assert kit.events[-3:] == ["BLOCK_JOB_COMPLETED", "concluded", "null"]


@pytest.mark.parametrize(("source_size", "target_size"), [(K64, 0), (0, K64), (K64, 2 * K64), (2 * K64, K64), (1, 2)])
def test_disks_of_different_sizes_fail_the_job_and_not_the_command(source_size: int, target_size: int) -> None:
    """BF-06, C14, QA-17."""
    kit = Kit(source_size, target_size=target_size)
    kit.do("blockdev-mirror", job_id="j", device="source", target="target", sync="full")
    kit.wait_state("null")
    assert kit.events == ["created", "running", "aborting", "BLOCK_JOB_COMPLETED", "concluded", "null"]
    completed = kit.last_event("BLOCK_JOB_COMPLETED")
    assert completed["error"] == "Source and target image have different sizes"
    assert (completed["len"], completed["offset"]) == (0, 0)
    assert [request.operation for request in kit.target.requests if request.operation == "write"] == []


# What is copied, and how


def test_target_that_cannot_deallocate_gets_zeroes_for_holes() -> None:
    """C12, C13: whatever it held before must be gone, and nothing is read where nothing is."""
    kit = Kit(4 * K64, None)
    kit.source.fill(0x11, K64, K64)
    kit.target.fill(0xFF)
    kit.ready_mirror()
    assert ranges(kit.source.requests, "read") == [(K64, K64)]
    assert ranges(kit.target.requests, "write") == [(K64, K64)]
    assert sorted(ranges(kit.target.requests, "zero")) == [(0, K64), (2 * K64, 2 * K64)]
    finish(kit)


def test_target_that_can_deallocate_is_zeroed_first_which_is_no_progress() -> None:
    """C41."""
    kit = Kit(4 * K64, None, unmap=True)
    kit.source.fill(0x11, K64, K64)
    kit.target.fill(0xFF)
    kit.target.hold("zero")
    job = kit.mirror()
    (zero,) = kit.wait_held(kit.target)
    assert (zero.offset, zero.length, zero.may_unmap) == (0, 4 * K64, True)
    assert (job.progress_current, ranges(kit.target.requests, "write")) == (0, [])
    kit.release(zero)
    finish(kit)
    assert kit.last_event("BLOCK_JOB_READY")["len"] <= 4 * K64


def test_granule_that_is_part_data_is_copied_whole() -> None:
    kit = Kit(4 * K64, None)
    kit.source.fill(0x11, K64 + 4096, 4096)
    kit.ready_mirror()
    assert ranges(kit.target.requests, "write") == [(K64, K64)]
    finish(kit)


def test_sync_none_copies_only_what_is_written_from_now_on(kit: Kit) -> None:
    kit.ready_mirror(sync="none")
    assert ranges(kit.target.requests, "write") == []
    kit.write(K64, 1, 0x22)
    kit.pass_ms(200)
    assert ranges(kit.target.requests, "write") == [(K64, K64)]


def test_source_and_target_are_asked_for_nothing_but_what_they_need(kit: Kit) -> None:
    """C48: one flush before READY and one before the end."""
    kit.ready_mirror()
    assert [request.operation for request in kit.target.requests] == ["write", "flush"]
    kit.verb("complete")
    kit.wait_state("null")
    assert [request.operation for request in kit.target.requests] == ["write", "flush", "flush"]
    assert [request.operation for request in kit.source.requests] == ["read"]


def test_guests_fua_through_the_filter_is_a_write_and_a_flush_of_the_source(kit: Kit) -> None:
    kit.ready_mirror(copy_mode="write-blocking")
    before = len(kit.source.requests)
    request = kit.start("write", 0, 512, 0x22, fua=True)
    assert request.errno == 0
    assert [(each.operation, each.fua) for each in kit.source.requests[before:]] == [("write", False), ("flush", False)]


def test_granule_dirtied_while_it_is_copied_is_copied_again(kit: Kit) -> None:
    """C4, C10: the second copy does not begin before the first has ended."""
    kit.target.hold("write")
    job = kit.mirror(buf_size=K64)
    (first,) = kit.wait_held(kit.target)
    kit.write(first.offset, 512, 0x22)
    assert job.bitmap.get(first.offset)
    kit.release(first)
    kit.target.clear_rules()
    finish(kit)
    assert ranges(kit.target.requests, "write").count((first.offset, K64)) == 2


def test_source_write_in_flight_is_dirty_only_when_it_has_landed(kit: Kit) -> None:
    """C9, C20."""
    job = kit.ready_mirror()
    kit.source.hold("write")
    request = kit.start("write", 0, 512, 0x22)
    kit.pass_ms(300)
    assert (job.bitmap.count_bytes, request.done) == (0, False)
    kit.release(kit.source.held[0])
    assert (job.bitmap.count_bytes, request.errno) == (K64, 0)
    finish(kit)


# Errors


def test_nothing_new_is_started_after_an_error_that_is_reported() -> None:
    """C47."""
    kit = Kit(64 * K64)
    kit.target.hold("write")
    job = kit.mirror(buf_size=4 * K64)
    held = kit.wait_held(kit.target)
    count = kit.target.request_count
    kit.target.clear_rules()
    for number, request in enumerate(list(held)):
        kit.release(request, errno.EIO if number == 0 else 0)
    kit.wait_state("null")
    assert [request.operation for request in kit.target.requests[count:]] == []
    assert kit.last_event("BLOCK_JOB_COMPLETED")["error"] == "Input/output error"
    assert job.in_flight == 0


@pytest.mark.slow
@pytest.mark.parametrize("disk", ["source", "target"])
def test_many_errors_stop_the_job_once_and_one_resume_copies_everything(disk: str) -> None:
    """C38 over the whole job, QE-12."""
    kit = Kit(16 * MIB)
    storage = getattr(kit, disk)
    storage.hold("read" if disk == "source" else "write")
    job = kit.mirror(on_source_error="stop", on_target_error="stop")
    held = list(kit.wait_held(storage, 5))
    storage.clear_rules()
    for request in held:
        request.release(errno.EIO)
    kit.session.settle()
    assert kit.events.count("BLOCK_JOB_ERROR") == len(held)
    assert (job.pause_count, state_of(job), job.io_status) == (1, "paused", "failed")
    kit.verb("resume")
    finish(kit)


def test_persistent_error_stops_again_after_each_resume(kit: Kit) -> None:
    """QE-13."""
    kit.target.fail("write", errno.EIO, count=None)
    job = kit.mirror(on_target_error="stop")
    for number in range(1, 4):
        kit.session.wait(lambda number=number: kit.events.count("paused") == number, "paused")  # type: ignore[misc]
        assert (job.pause_count, job.io_status) == (1, "failed")
        kit.verb("resume")
    kit.do("block-job-cancel", device="j", force=True)
    kit.wait_state("null")


@pytest.mark.parametrize("operation", ["zero", "write"])
def test_failed_copy_is_dirty_again(operation: str) -> None:
    kit = Kit(K64, 0x11 if operation == "write" else None)
    kit.target.fill(0xFF)
    kit.target.fail(operation)
    kit.ready_mirror(on_target_error="ignore")
    assert ranges(kit.target.requests, operation) == [(0, K64), (0, K64)]
    finish(kit)


def test_flush_that_fails_delays_ready_and_a_forced_cancel_ends_it(kit: Kit) -> None:
    """BF-17, A13."""
    kit.target.fail("flush", errno.EIO, count=None)
    kit.mirror(on_target_error="ignore")
    kit.pass_ms(1)
    assert "ready" not in kit.events
    kit.do("block-job-cancel", device="j", force=True)
    kit.wait_state("null")
    assert kit.events[-4:] == ["aborting", "BLOCK_JOB_CANCELLED", "concluded", "null"]


@pytest.mark.slow
@pytest.mark.parametrize(("disk", "operation"), [("source", "read"), ("target", "write"), ("target", "flush")])
def test_errors_that_are_ignored_without_end_let_time_pass(kit: Kit, disk: str, operation: str) -> None:
    """They come over and over, as from a real program, but the model must not go on for ever at one moment."""
    getattr(kit, disk).fail(operation, errno.EIO, count=None)
    kit.mirror(on_source_error="ignore", on_target_error="ignore")
    kit.pass_ms(1000)
    assert 500 <= kit.events.count("BLOCK_JOB_ERROR") <= 2000
    assert "ready" not in kit.events
    getattr(kit, disk).clear_rules()
    finish(kit)


def test_flush_before_the_end_that_fails_without_end_lets_time_pass(kit: Kit) -> None:
    kit.ready_mirror(on_target_error="ignore")
    kit.target.fail("flush", errno.EIO, count=None)
    kit.verb("complete")
    kit.pass_ms(1000)
    assert "waiting" not in kit.events
    kit.target.clear_rules()
    kit.wait_state("null")
    assert kit.events[-3:] == ["BLOCK_JOB_COMPLETED", "concluded", "null"]


def test_error_after_ready_does_not_announce_it_again(kit: Kit) -> None:
    """BF-15, A11."""
    kit.ready_mirror(on_target_error="ignore")
    kit.target.fail("write")
    kit.write(0, 512, 0x22)
    kit.pass_ms(300)
    assert kit.events.count("BLOCK_JOB_ERROR") == 1
    assert kit.events.count("BLOCK_JOB_READY") == 1
    finish(kit)


# Cancel


def test_cancel_before_ready_is_immediate_and_leaves_the_graph_as_it_was(kit: Kit) -> None:
    """C28."""
    kit.target.hold("write")
    kit.mirror()
    (held,) = kit.wait_held(kit.target)
    kit.do("block-job-cancel", device="j")
    assert "BLOCK_JOB_CANCELLED" not in kit.events  # it leaves nothing in flight behind
    kit.release(held)
    kit.wait_state("null")
    assert kit.events[-4:] == ["aborting", "BLOCK_JOB_CANCELLED", "concluded", "null"]
    kit.write(0, 512, 0x22)
    assert kit.source.read_bytes(0, 1) == b"\x22"
    assert kit.target.read_bytes(0, 1) == b"\x11"


def test_forced_cancel_after_a_soft_one_wins(kit: Kit) -> None:
    """C29."""
    kit.ready_mirror()
    kit.target.hold("write")
    kit.write(0, 512, 0x22)
    kit.do("block-job-cancel", device="j")
    kit.wait_held(kit.target)
    kit.do("block-job-cancel", device="j", force=True)
    kit.target.release_all()
    kit.wait_state("null")
    assert kit.events[-4:] == ["aborting", "BLOCK_JOB_CANCELLED", "concluded", "null"]


def test_soft_cancel_after_a_forced_one_does_not_weaken_it(kit: Kit) -> None:
    job = kit.ready_mirror()
    kit.target.hold("write")
    kit.write(0, 512, 0x22)
    kit.wait_held(kit.target)
    kit.do("block-job-cancel", device="j", force=True)
    kit.do("block-job-cancel", device="j", force=False)
    assert job.is_cancelled
    kit.target.release_all()
    kit.wait_state("null")
    assert kit.events[-4:] == ["aborting", "BLOCK_JOB_CANCELLED", "concluded", "null"]


def test_guest_writes_after_a_forced_cancel_reach_the_source_only(kit: Kit) -> None:
    """BF-18, C27: also while the job still waits for what it has in flight."""
    kit.ready_mirror(copy_mode="write-blocking")
    kit.target.hold("write", offset=0, length=512)
    first = kit.start("write", 0, 512, 0x22)
    kit.do("block-job-cancel", device="j", force=True)
    count = kit.target.request_count
    second = kit.start("write", K64, 512, 0x33)
    assert kit.target.request_count == count
    kit.target.release_all()
    kit.wait_state("null")
    assert (first.errno, second.errno) == (0, 0)
    assert kit.target.read_bytes(K64, 1) == b"\x11"


# Active writes: which part is sent, which granules are cleaned


G = 4096


@pytest.mark.parametrize(
    ("dirty", "write", "sent"),
    [
        # Nothing dirty: all of it goes, whatever its alignment (151-3's clean half; BF-04 for the first).
        ((), (0, 4 * G), (0, 4 * G)),
        ((), (1, 1), (1, 1)),
        ((), (G - 1, 2), (G - 1, 2)),
        # A dirty granule that is covered in part is left out at either end (C1, BF-03).
        ((0,), (1, 2 * G - 1), (G, G)),
        ((1,), (0, G + 1), (0, G)),
        ((0, 2), (1, 2 * G), (G, G)),
        # Nothing is left: within one dirty granule, up to its end, and over the border of two.
        ((0,), (1, 1), None),
        ((0,), (1, G - 1), None),
        ((0, 1), (G - 1, 2), None),
        ((0,), (0, 1), None),
        # A clean head or tail is never left out (a write would be lost).
        ((1,), (G // 2, 2 * G), (G // 2, 2 * G)),
        ((0,), (G, G + 1), (G, G + 1)),
        ((2,), (1, G), (1, G)),
        # What is covered whole is sent, dirty or not.
        ((0, 1), (0, 2 * G), (0, 2 * G)),
        ((0, 3), (0, 4 * G), (0, 4 * G)),
    ],
)
def test_active_write_sends_what_is_not_in_a_dirty_granule_that_it_covers_in_part(
    dirty: tuple[int, ...], write: tuple[int, int], sent: tuple[int, int] | None
) -> None:
    kit = Kit(4 * G)
    job = kit.ready_mirror(copy_mode="write-blocking", granularity=G)
    for granule in dirty:
        job.bitmap.set(granule * G, G)
    count = len(ranges(kit.target.requests, "write"))
    kit.target.hold("write", count=1)
    request = kit.start("write", *write, value=0x22)
    assert ranges(kit.target.requests, "write")[count:] == ([] if sent is None else [sent])
    covered = set() if sent is None else {g for g in dirty if sent[0] <= g * G and (g + 1) * G <= sum(sent)}
    still_dirty = {granule for granule in range(4) if job.bitmap.get(granule * G)}
    assert still_dirty == set(dirty) - covered
    kit.target.release_all()
    kit.session.settle()
    assert request.errno == 0
    kit.source.clear_rules()
    finish(kit)


@pytest.mark.parametrize("operation", ["write", "zero"])
def test_active_write_of_part_of_a_granule_that_fails_marks_all_that_it_touched(operation: str) -> None:
    kit = Kit(4 * G)
    job = kit.ready_mirror(copy_mode="write-blocking", granularity=G, on_target_error="ignore")
    kit.target.fail(operation)
    request = kit.start(operation, G - 1, 2, **({"value": 0x22} if operation == "write" else {}))
    assert request.errno == 0
    assert [job.bitmap.get(granule * G) for granule in range(4)] == [True, True, False, False]
    assert not job.actively_synced
    finish(kit)


def test_active_write_that_fails_at_the_source_fails_and_sends_nothing(kit: Kit) -> None:
    job = kit.ready_mirror(copy_mode="write-blocking")
    kit.source.fail("write", errno.EIO)
    count = kit.target.request_count
    request = kit.start("write", 0, K64, 0x22)
    assert request.errno == errno.EIO
    assert kit.target.request_count == count
    assert (len(job.operations), job.active_writes_count) == (0, 0)
    finish(kit)


def test_active_writes_do_not_count_among_the_sixteen() -> None:
    kit = Kit(64 * K64)
    job = kit.ready_mirror(copy_mode="write-blocking")
    kit.target.hold("write")
    for number in range(40):
        kit.start("write", number * K64, K64, 0x22)
    assert (len(kit.target.held), job.in_flight, job.active_writes_count) == (40, 0, 40)
    assert job.active_bytes_in_flight == 40 * K64
    finish(kit)
    assert (job.active_writes_count, job.active_bytes_in_flight) == (0, 0)


def test_background_copy_goes_on_while_active_writes_never_end() -> None:
    """BF-19, A17."""
    kit = Kit(8 * K64)
    job = kit.mirror(copy_mode="write-blocking", buf_size=K64, speed=K64)
    kit.target.hold("write", offset=7 * K64, length=K64)
    kit.start("write", 7 * K64, K64, 0x22)
    kit.do("block-job-set-speed", device="j", speed=0)
    kit.pass_ms(1000)
    assert job.active_writes_count == 1
    assert job.bitmap.count_bytes == 0
    assert job.progress_current == 7 * K64
    finish(kit)


def test_background_copy_leaves_out_what_an_active_write_has_claimed() -> None:
    kit = Kit(4 * K64)
    kit.target.hold("write", offset=2 * K64, length=K64)
    kit.mirror(copy_mode="write-blocking", speed=1, buf_size=K64)
    kit.start("write", 2 * K64, K64, 0x22)
    kit.do("block-job-set-speed", device="j", speed=0)
    kit.pass_ms(100)
    assert (2 * K64, K64) not in ranges(kit.source.requests, "read")
    finish(kit)


def test_discard_of_a_guest_ends_at_the_filter(kit: Kit) -> None:
    """A9: that is what QEMU does to this day; the disks stay equal because neither is touched."""
    kit.ready_mirror(copy_mode="write-blocking")
    before = (kit.source.request_count, kit.target.request_count)
    assert kit.start("discard", 0, K64).errno == 0
    assert (kit.source.request_count, kit.target.request_count) == before


# Changing the copy mode


def test_write_under_way_when_the_mode_changes_is_decided_once(kit: Kit) -> None:
    """C24: it began in the background, so it marks; the next one mirrors."""
    job = kit.ready_mirror()
    kit.source.hold("write", count=1)
    first = kit.start("write", 0, 512, 0x22)
    kit.do("block-job-change", id="j", type="mirror", copy_mode="write-blocking")
    count = len(ranges(kit.target.requests, "write"))
    kit.write(K64, 512, 0x33)
    assert ranges(kit.target.requests, "write")[count:] == [(K64, 512)]
    kit.release(kit.source.held[0])
    assert first.errno == 0
    assert job.bitmap.count_bytes == K64
    assert not job.actively_synced
    kit.pass_ms(300)
    assert job.actively_synced
    finish(kit)


def test_mode_that_changes_back_leaves_what_is_written_from_then_on_dirty(kit: Kit) -> None:
    """QS-16; and the way back, which QEMU does not offer (QS-17), gives up nothing that was acknowledged."""
    job = kit.ready_mirror(copy_mode="write-blocking")
    kit.do("block-job-change", id="j", type="mirror", copy_mode="write-blocking")
    kit.write(0, 512, 0x22)
    assert kit.target.read_bytes(0, 1) == b"\x22"
    kit.do("block-job-change", id="j", type="mirror", copy_mode="background")
    kit.write(K64, 512, 0x33)
    assert (kit.target.read_bytes(K64, 1), job.bitmap.count_bytes) == (b"\x11", K64)
    finish(kit)


# The end


def test_write_that_comes_before_the_end_is_copied_before_the_end(kit: Kit) -> None:
    """C21, C22: complete drains, looks again, and goes on if it must; the guest is let go on each time."""
    kit.ready_mirror()
    kit.source.hold("write")
    request = kit.start("write", 0, 512, 0x22)
    kit.verb("complete")
    kit.pass_ms(300)
    assert "waiting" not in kit.events
    kit.source.clear_rules()
    kit.source.release_all()
    kit.wait_state("null")
    assert request.errno == 0
    assert kit.events[-5:] == ["waiting", "pending", "BLOCK_JOB_COMPLETED", "concluded", "null"]
    assert kit.source.first_difference(kit.target) is None


@pytest.mark.parametrize("soft_cancel", [False, True])
def test_guest_writes_to_the_target_after_complete_and_to_the_source_after_soft_cancel(
    kit: Kit, soft_cancel: bool
) -> None:
    kit.ready_mirror()
    if soft_cancel:
        kit.do("block-job-cancel", device="j")
    else:
        kit.verb("complete")
    kit.wait_state("null")
    kit.write(0, 1, 0x55)
    values = (kit.source.read_bytes(0, 1), kit.target.read_bytes(0, 1))
    assert values == ((b"\x55", b"\x11") if soft_cancel else (b"\x11", b"\x55"))


def test_guest_requests_wait_between_pending_and_finalize(kit: Kit) -> None:
    kit.ready_mirror(auto_finalize=False)
    kit.verb("complete")
    kit.wait_state("pending")
    request = kit.start("write", 0, 1, 0x55)
    assert not request.done
    kit.verb("finalize")
    kit.wait_state("null")
    assert request.errno == 0
    assert kit.target.read_bytes(0, 1) == b"\x55"
    assert kit.source.read_bytes(0, 1) == b"\x11"


@pytest.mark.parametrize("moment", ["start", "held read", "held write", "ready", "active write", "paused", "pending"])
def test_close_at_any_moment_is_silent(moment: str) -> None:
    kit = Kit()
    if moment == "held read":
        kit.source.hold("read")
    if moment == "held write":
        kit.target.hold("write")
    kit.mirror(copy_mode="write-blocking", auto_finalize=False)
    if moment in ("ready", "active write", "paused", "pending"):
        kit.wait_state("ready")
    if moment == "active write":
        kit.target.hold("write")
        kit.start("write", 0, 1, 0x22)
        kit.start("write", 0, 1, 0x33)
    if moment == "paused":
        kit.verb("pause")
    if moment == "pending":
        kit.verb("complete")
        kit.wait_state("pending")
    seen = len(kit.events)
    kit.session.close()
    for storage in (kit.source, kit.target):
        storage.release_all()
    kit.session.settle()
    assert kit.events_since(seen) == []
    kit.session.close()


def test_time_that_passes_for_a_whole_mirror_is_small(kit: Kit) -> None:
    """No wait of the model is longer than it must be: without a limit of speed nothing sleeps before READY."""
    kit.ready_mirror()
    assert kit.scheduler.now_ns == 0
    kit.verb("complete")
    kit.wait_state("null")
    assert kit.scheduler.now_ns <= 100 * MS
