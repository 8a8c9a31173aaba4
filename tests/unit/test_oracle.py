"""The oracle by itself, without a mirror: runs, candidates, stamps, and what it says."""

from __future__ import annotations

import pytest

from harness.implementations.base import PendingRequest
from harness.oracle import Oracle, OracleViolation, Phase, Rule, stamp_of, stamped
from harness.oracle.candidates import Candidate
from harness.oracle.segments import History, Segment, SegmentMap
from harness.storage import HeldStorage, Operation

SIZE = 16384
GRANULE = 4096


def disks() -> tuple[HeldStorage, HeldStorage]:
    return HeldStorage("source", SIZE), HeldStorage("target", SIZE)


def write(number: int, offset: int, length: int) -> PendingRequest:
    return PendingRequest(Operation.WRITE, offset, length, stamped(number, offset, length))


def put(disk: HeldStorage, request: PendingRequest) -> None:
    disk.submit(request.operation, request.offset, request.length, request.payload, on_complete=lambda _: None)


def answer(oracle: Oracle, request: PendingRequest, *disks: HeldStorage, error: int = 0) -> None:
    """Have a guest send a request that reaches these disks, one after the other, and is answered then."""
    oracle.guest_submitted(request)
    for disk in disks:
        put(disk, request)
    oracle.guest_answered(request, error)


def synced() -> tuple[Oracle, HeldStorage, HeldStorage]:
    source, target = disks()
    oracle = Oracle(source, target)
    oracle.job_started(granularity_bytes=GRANULE)
    oracle.job_ready()
    return oracle, source, target


def test_stamp_of_stamped_sector_tells_write_and_sector() -> None:
    data = stamped(7, 1024, 1024)
    assert stamp_of(data[:512]) == (7, 2)
    assert stamp_of(data[512:]) == (7, 3)


def test_stamp_of_other_data_is_none() -> None:
    assert stamp_of(bytes(512)) is None
    assert stamp_of(b"") is None


def test_stamped_range_does_not_depend_on_where_it_begins() -> None:
    assert stamped(3, 100, 1000) == stamped(3, 0, 2048)[100:1100]


def make_map() -> SegmentMap:
    initial = Candidate(0, Operation.ZERO, 0, 100, None, 0)
    return SegmentMap(100, Segment((initial,), History(initial, None)))


def test_segments_after_updates_cover_without_gaps() -> None:
    segments = make_map()
    for start, length in ((10, 20), (20, 20), (0, 5), (90, 10)):
        segments.update(start, length, lambda segment: Segment(segment.lawful * 2, segment.history))
    runs = segments.overlapping(0, 100)
    assert [(start, end) for start, end, _ in runs] == [
        (0, 5), (5, 10), (10, 20), (20, 30), (30, 40), (40, 90), (90, 100),
    ]  # fmt: skip
    assert [len(segment.lawful) for _, _, segment in runs] == [2, 1, 2, 4, 2, 1, 2]


def test_segments_overlapping_are_cut_to_the_range() -> None:
    segments = make_map()
    segments.update(10, 20, lambda segment: segment)
    assert [(start, end) for start, end, _ in segments.overlapping(15, 30)] == [(15, 30), (30, 45)]


def test_oracle_after_ordinary_writes_finds_nothing() -> None:
    oracle, source, target = synced()
    for number in range(1, 5):
        request = write(number, number * 512, 2048)
        answer(oracle, request, source, target)
    oracle.check_rest()
    assert oracle.violations == []


def test_oracle_when_target_lacks_an_acknowledged_write_names_everything() -> None:
    oracle, source, _ = synced()
    request = write(1, 1024, 512)
    answer(oracle, request, source)
    message = (
        r"^the oracle: acknowledged-on-target: sector 2 \(byte 1024\): source holds 0x6d of #1 write 1k\+512 "
        r"\(acknowledged\), target holds 0x00 of the contents at the beginning; lawful: #1 write 1k\+512 "
        r"\(acknowledged\); after the answer to #1 write 1k\+512 \(acknowledged\)$"
    )
    with pytest.raises(OracleViolation, match=message):
        oracle.require_clean()


def test_oracle_when_a_race_has_two_winners_names_both() -> None:
    oracle, source, target = synced()
    one, other = write(1, 0, 1024), write(2, 512, 1024)
    for request in (one, other):
        oracle.guest_submitted(request)
    put(source, one)
    put(source, other)
    put(target, other)
    put(target, one)
    for request in (one, other):
        oracle.guest_answered(request, 0)
    first = oracle.violations[0]
    assert first.rule is Rule.SAME_WINNER
    assert first.sector == 1
    assert first.raced == ("#1 write 0+1k (acknowledged)", "#2 write 512+1k (acknowledged)")
    assert "of #2" in first.source_value
    assert "of #1" in first.target_value


def test_oracle_when_a_race_has_one_winner_finds_nothing() -> None:
    oracle, source, target = synced()
    requests = [write(1, 0, 1024), write(2, 512, 1024)]
    for request in requests:
        oracle.guest_submitted(request)
    for disk in (source, target):
        for request in reversed(requests):
            put(disk, request)
    for request in requests:
        oracle.guest_answered(request, 0)
    oracle.check_rest()
    assert oracle.violations == []


def test_oracle_when_an_older_write_comes_back_names_it() -> None:
    oracle, source, target = synced()
    old, new = write(1, 0, 512), write(2, 0, 512)
    for request in (old, new):
        answer(oracle, request, source, target)
    put(source, old)
    assert oracle.violations[0].rule is Rule.GUEST_DISK
    assert "of #1 write 0+512" in oracle.violations[0].source_value


def test_oracle_where_a_write_failed_lets_the_disks_differ_until_the_next() -> None:
    oracle, source, _ = synced()
    failed, good = write(1, 0, 512), write(2, 0, 512)
    answer(oracle, failed, source, error=5)
    oracle.check_rest()
    assert oracle.violations == []
    answer(oracle, good, source)
    assert oracle.violations[0].rule is Rule.ACKNOWLEDGED


def test_oracle_after_a_forced_cancel_lets_the_target_stay_behind_but_lose_nothing() -> None:
    oracle, source, target = synced()
    before, after = write(1, 0, 512), write(2, 0, 512)
    answer(oracle, before, source, target)
    oracle.job_gave_up()
    assert oracle.phase is Phase.FROZEN
    answer(oracle, after, source)
    oracle.check_rest()
    assert oracle.violations == []
    put(target, write(9, 0, 512))
    assert oracle.violations[0].rule is Rule.ACKNOWLEDGED


def test_oracle_before_ready_lets_differ_what_is_dirty_and_nothing_else() -> None:
    source, target = disks()
    source.fill(1)
    dirty = {0, 1, 2, 3}
    oracle = Oracle(source, target)
    oracle.job_started(granularity_bytes=GRANULE, is_dirty=lambda offset: offset // GRANULE in dirty)
    oracle.check_rest()
    assert oracle.violations == []
    dirty.remove(2)
    oracle.check_rest()
    assert oracle.violations[0].rule is Rule.DIRTY
    assert oracle.violations[0].offset == 2 * GRANULE


def test_oracle_of_a_program_compares_with_what_it_counts_as_dirty() -> None:
    source, target = disks()
    source.fill(1)
    oracle = Oracle(source, target, immediate=False)
    oracle.job_started(granularity_bytes=GRANULE)
    oracle.check_rest(dirty_bytes=SIZE)
    assert oracle.violations == []
    oracle.check_rest(dirty_bytes=SIZE - GRANULE)
    assert oracle.violations[0].detail == "16384 bytes of granules differ and 12288 are said to be dirty"


def test_oracle_with_sync_none_looks_only_at_what_was_written() -> None:
    source, target = disks()
    source.fill(1)
    oracle = Oracle(source, target)
    oracle.job_started(granularity_bytes=GRANULE, whole=False)
    oracle.job_ready()
    request = write(1, 512, 512)
    answer(oracle, request, source, target)
    oracle.check_rest()
    assert oracle.violations == []


def test_oracle_detached_hears_nothing() -> None:
    oracle, source, _ = synced()
    oracle.detach()
    oracle.detach()
    put(source, write(1, 0, 512))
    assert oracle.violations == []
