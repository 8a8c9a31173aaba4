"""The runs behind the bitmap stay in order, apart and complete, also where one chunk of them ends."""

from __future__ import annotations

import random

import pytest

from reference_impl import runs
from reference_impl.runs import RunList


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four runs to a chunk, so that a few dozen granules make many chunks."""
    monkeypatch.setattr(runs, "CHUNK_EDGES_MAX", 8)


def assert_sound(run_list: RunList) -> None:
    edges = [edge for chunk in run_list._chunks for edge in chunk]
    assert edges == sorted(set(edges)), "runs ascend and do not touch"
    for chunk, last_edge, dirty_count in zip(
        run_list._chunks, run_list._last_edges, run_list._dirty_counts, strict=True
    ):
        assert chunk[-1] == last_edge
        assert dirty_count == sum(chunk[1::2]) - sum(chunk[::2])
        assert 0 < len(chunk) <= 8
        assert len(chunk) % 2 == 0


def run_list_of(*runs_to_paint: tuple[int, int]) -> RunList:
    run_list = RunList()
    for first, end in runs_to_paint:
        run_list.paint(first, end, True)
    return run_list


def all_runs(run_list: RunList) -> list[tuple[int, int]]:
    return list(run_list.runs_within(0, 1 << 41))


def test_runs_that_touch_become_one_run_across_chunks() -> None:
    run_list = run_list_of(*((first, first + 1) for first in range(0, 80, 2)))
    assert len(run_list._chunks) > 3
    for first in range(1, 79, 2):
        assert run_list.paint(first, first + 1, True) == 0
        assert_sound(run_list)
    assert all_runs(run_list) == [(0, 79)]


@pytest.mark.parametrize("dirty", [True, False])
def test_range_over_many_chunks_is_painted_and_counted(dirty: bool) -> None:
    for first in range(30):
        for end in range(first + 1, 80, 7):
            run_list = run_list_of(*((start, start + 2) for start in range(0, 80, 4)))
            before = [run_list.contains(granule) for granule in range(80)]
            assert run_list.paint(first, end, dirty) == sum(before[first:end])
            assert_sound(run_list)
            expected = before[:first] + [dirty] * (end - first) + before[end:]
            assert [run_list.contains(granule) for granule in range(80)] == expected
            assert run_list.count() == sum(expected)


def test_ranges_painted_in_any_order_leave_sound_chunks() -> None:
    generator = random.Random(2018)
    run_list, expected = RunList(), [False] * 400
    for _ in range(600):
        first = generator.randrange(400)
        end = min(400, first + generator.choice([1, 1, 2, 5, 60]))
        dirty = generator.random() < 0.6
        assert run_list.paint(first, end, dirty) == sum(expected[first:end])
        expected[first:end] = [dirty] * (end - first)
        assert_sound(run_list)
    assert run_list.granules() == [granule for granule in range(400) if expected[granule]]


def test_runs_may_change_while_they_are_walked() -> None:
    run_list = run_list_of((0, 2), (10, 12), (20, 22))
    walk = run_list.runs_within(1, 100)
    assert next(walk) == (1, 2)
    run_list.paint(10, 12, False)
    run_list.paint(5, 6, True)
    assert list(walk) == [(5, 6), (20, 22)]


def test_granules_of_mixed_runs_are_all_there() -> None:
    """Long runs among many single granules: the list is found by cutting, and must not lose any."""
    run_list, expected = RunList(), []
    for first in range(0, 3000, 3):
        length = 2 if first % 700 == 0 else 1
        run_list.paint(first, first + length, True)
        expected += range(first, first + length)
    assert run_list.granules() == expected


@pytest.mark.parametrize("count", [1, 2, 5, 1000])
def test_granules_from_a_granule_are_the_next_ones_without_a_gap(count: int) -> None:
    run_list = run_list_of((3, 4), (6, 7), (9, 30), (40, 41), (43, 44), (50, 90))
    dirty = run_list.granules()
    for first in range(95):
        granules = run_list.granules_from(first, count)
        ahead = [granule for granule in dirty if granule >= first]
        assert granules == ahead[: len(granules)]
        assert bool(granules) == bool(ahead)
        assert len(granules) < 2 * count


def test_watcher_is_told_before_the_first_change_and_not_again() -> None:
    class Watcher:
        def __init__(self) -> None:
            self.seen: list[list[int]] = []

        def before_change(self) -> None:
            self.seen.append(run_list.granules())

    run_list = run_list_of((1, 3))
    watcher, other = Watcher(), Watcher()
    run_list.watch(watcher)
    run_list.watch(other)
    del other
    run_list.paint(10, 11, True)
    run_list.paint(20, 21, True)
    assert watcher.seen == [[1, 2]]
    run_list.watch(watcher)
    run_list.clear()
    assert watcher.seen == [[1, 2], [1, 2, 10, 20]]
