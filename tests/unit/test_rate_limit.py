"""The rate limit by itself: quotas of bytes in slices of 100 ms."""

from __future__ import annotations

import pytest

from reference_impl.rate_limit import SLICE_NS, RateLimit

MS = 1_000_000


def limited(bytes_per_second: int) -> RateLimit:
    limit = RateLimit()
    limit.set_speed(bytes_per_second)
    return limit


def test_limit_none_never_delays() -> None:
    limit = RateLimit()
    assert [limit.delay_ns(1 << 40, now_ns) for now_ns in (0, 1, SLICE_NS)] == [0, 0, 0]


def test_limit_lets_less_than_a_quota_pass_at_once() -> None:
    limit = limited(1000)  # 100 bytes a slice
    assert limit.delay_ns(99, 0) == 0
    assert limit.delay_ns(1, 0) == SLICE_NS


@pytest.mark.parametrize(("length", "slices"), [(100, 1), (1000, 10), (150, 1.5), (101, 1.01)])
def test_delay_is_in_proportion_to_what_was_dispatched(length: int, slices: float) -> None:
    assert limited(1000).delay_ns(length, 0) == round(SLICE_NS * slices)


def test_delay_is_whole_nanoseconds() -> None:
    assert limited(30).delay_ns(4, 0) == 133_333_333  # 4 bytes where 3 are for 100 ms


def test_delay_counts_from_the_beginning_of_the_slice() -> None:
    limit = limited(1000)
    limit.account(50, 30 * MS)
    assert limit.delay_ns(50, 70 * MS) == 60 * MS


def test_slice_that_is_over_forgets_its_bytes() -> None:
    limit = limited(1000)
    limit.account(99, 0)
    assert limit.delay_ns(99, SLICE_NS + 1) == 0


@pytest.mark.parametrize("start_ns", [0, 30 * MS])
def test_slice_lasts_100_ms_from_its_first_bytes(start_ns: int) -> None:
    limit = limited(1000)
    limit.account(99, start_ns)
    assert limit.delay_ns(0, start_ns + 50 * MS) == 0
    assert limit.delay_ns(99, start_ns + SLICE_NS) == 98 * MS
    later = limited(1000)
    later.account(99, start_ns)
    assert later.delay_ns(99, start_ns + SLICE_NS + 1) == 0


def test_slice_that_was_stretched_is_not_over_after_100_ms() -> None:
    limit = limited(1000)
    limit.account(1000, 0)
    assert limit.delay_ns(0, 500 * MS) == 500 * MS
    assert limit.delay_ns(0, 1000 * MS) == 0


@pytest.mark.parametrize("bytes_per_second", [1, 9, 10])
def test_least_speed_lets_one_byte_a_slice_pass(bytes_per_second: int) -> None:
    assert limited(bytes_per_second).delay_ns(65536, 0) == 65536 * SLICE_NS


def test_asking_for_the_delay_again_costs_nothing() -> None:
    limit = limited(1000)
    limit.account(1000, 0)
    assert [limit.delay_ns(0, 0) for _ in range(100)] == [10 * SLICE_NS] * 100


def test_set_speed_keeps_what_was_dispatched_and_when() -> None:
    """A18: whoever changes the speed often gets no bytes for it."""
    limit = limited(1000)
    limit.account(1000, 0)
    for step in range(100):
        limit.set_speed(1000 + step % 2)
    assert limit.delay_ns(0, 0) == 10 * SLICE_NS
    limit.set_speed(10_000)
    assert limit.delay_ns(0, 0) == SLICE_NS
    limit.set_speed(0)
    assert limit.delay_ns(0, 0) == 0


def test_over_a_long_time_no_more_than_the_speed_passes() -> None:
    limit = limited(65536)
    now_ns = dispatched = 0
    while now_ns < 60_000 * MS:
        dispatched += 4096
        now_ns += limit.delay_ns(4096, now_ns)
    assert dispatched <= 65536 * 61
    assert dispatched >= 65536 * 59
