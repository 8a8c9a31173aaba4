"""Who waits for whom among a mirror's operations: claims, circles that must not arise, and who counts as in flight."""

from __future__ import annotations

import pytest

from reference_impl.errors import ModelError
from reference_impl.mirror_operations import IN_FLIGHT_MAX, MirrorOperation, MirrorOperations
from reference_impl.scheduler import Scheduler, Task

GRANULE = 4096


class Ring:
    """Operations of one job, and coroutines that claim ranges."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self.failed = False
        self.operations = MirrorOperations(self.scheduler, GRANULE, lambda: self.failed)
        self.log: list[str] = []

    def claimed(
        self, offset: int, length: int, *, active: bool = False, pseudo: bool = False, started: bool = True
    ) -> MirrorOperation:
        operation = self.operations.add(offset, length, active=active, pseudo=pseudo)
        self.operations.claim(operation)
        operation.started = started
        return operation

    def active_write(self, name: str, offset: int, length: int) -> tuple[MirrorOperation, Task]:
        """An active write that waits for its range and claims it."""
        operation = self.operations.add(offset, length, active=True)

        async def begin() -> None:
            await self.operations.wait_until_free(offset, length, operation)
            self.operations.claim(operation)
            self.log.append(name)

        return operation, self.scheduler.start(begin(), name)

    def background_copy(self, name: str, offset: int, length: int = 1) -> Task:
        """A background copy that waits for its first granule; it is no operation yet."""

        async def begin() -> None:
            await self.operations.wait_until_free(offset, length)
            self.log.append(name)

        return self.scheduler.start(begin(), name)


@pytest.fixture
def ring() -> Ring:
    return Ring()


def test_limit_is_that_of_the_real_thing() -> None:
    assert IN_FLIGHT_MAX == 16


@pytest.mark.parametrize(
    ("offset", "length", "granules"),
    [
        (0, 1, (0, 1)),
        (0, GRANULE, (0, 1)),
        (0, GRANULE + 1, (0, 2)),
        (GRANULE - 1, 1, (0, 1)),
        (GRANULE - 1, 2, (0, 2)),
        (GRANULE, 1, (1, 2)),
        (5 * GRANULE + 7, 3 * GRANULE, (5, 9)),
    ],
)
def test_granules_of_a_range_are_all_that_it_touches(
    ring: Ring, offset: int, length: int, granules: tuple[int, int]
) -> None:
    """C6: a tail that was divided down would keep its claim for ever, or not have one."""
    assert ring.operations.granules(offset, length) == granules


def test_first_claimed_granule_is_the_nearest_of_all_claims(ring: Ring) -> None:
    ring.claimed(6 * GRANULE, GRANULE)
    ring.claimed(2 * GRANULE, 2 * GRANULE)
    ring.operations.add(0, GRANULE)  # has claimed nothing
    assert ring.operations.first_claimed(0, 10) == 2
    assert ring.operations.first_claimed(3, 10) == 3
    assert ring.operations.first_claimed(4, 10) == 6
    assert ring.operations.first_claimed(7, 10) == 10
    assert ring.operations.first_claimed(0, 1) == 1  # all claims are behind the range
    assert not ring.operations.is_claimed(0, 2)
    assert not ring.operations.is_claimed(4, 6)
    assert ring.operations.is_claimed(3, 4)


def test_new_operation_has_claimed_nothing_and_only_a_guests_has_what_it_needs(ring: Ring) -> None:
    copy, run, write = (
        ring.operations.add(0, GRANULE),
        ring.operations.add(0, GRANULE, pseudo=True),
        ring.operations.add(0, GRANULE, active=True),
    )
    assert [each.claim for each in (copy, run, write)] == [None, None, None]
    assert [each.started for each in (copy, run, write)] == [False, False, True]
    assert not any(each.asynchronous for each in (copy, run, write))


def test_removed_operation_gives_its_claim_back(ring: Ring) -> None:
    operation = ring.claimed(0, GRANULE)
    assert (len(ring.operations), list(ring.operations)) == (1, [operation])
    ring.operations.remove(operation)
    assert (len(ring.operations), operation.claim) == (0, None)
    assert not ring.operations.is_claimed(0, 1)


def test_free_range_is_not_waited_for(ring: Ring) -> None:
    ring.claimed(GRANULE, GRANULE)
    ring.active_write("before", 0, GRANULE)
    ring.active_write("behind", 2 * GRANULE, GRANULE)
    assert ring.log == ["before", "behind"]


def test_neighbour_in_the_same_granule_is_waited_for(ring: Ring) -> None:
    first = ring.claimed(0, 1, active=True)
    _, task = ring.active_write("neighbour", GRANULE - 1, 1)
    assert task.waits_for == "active write 0+1 to end"
    ring.operations.remove(first)
    assert ring.log == ["neighbour"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ({}, "copy 0+4096 to end"),
        ({"active": True}, "active write 0+4096 to end"),
        ({"pseudo": True}, "run of copies 0+4096 to end"),
    ],
)
def test_wait_says_for_what_it_waits(ring: Ring, kind: dict[str, bool], text: str) -> None:
    ring.claimed(0, GRANULE, **kind)
    assert ring.background_copy("copy", 0).waits_for == text
    ring.scheduler.close()


def test_background_copy_waits_for_its_first_granule_only(ring: Ring) -> None:
    ring.claimed(GRANULE, GRANULE)
    ring.background_copy("copy", 0)
    assert ring.log == ["copy"]


def test_active_write_waits_until_its_whole_range_is_free(ring: Ring) -> None:
    first, last = ring.claimed(0, GRANULE), ring.claimed(9 * GRANULE, GRANULE)
    ring.active_write("write", 0, 10 * GRANULE)
    ring.operations.remove(first)
    assert ring.log == []
    ring.operations.remove(last)
    assert ring.log == ["write"]


def test_two_active_writes_never_wait_for_each_other(ring: Ring) -> None:
    """BF-13, A10: both are woken by the first; a fourth has their range by then; each waits for the fourth only."""
    first = ring.claimed(0, 4 * GRANULE, active=True)
    second, _ = ring.active_write("second", 0, 8 * GRANULE)
    third, _ = ring.active_write("third", 0, 8 * GRANULE)
    fourth, _ = ring.active_write("fourth", 4 * GRANULE, 8 * GRANULE)
    assert ring.log == ["fourth"]
    ring.operations.remove(first)
    assert (second.waits_for, third.waits_for) == (fourth, fourth)
    ring.operations.remove(fourth)
    assert ring.log == ["fourth", "second"]
    assert third.waits_for is second
    ring.operations.remove(second)
    assert ring.log == ["fourth", "second", "third"]


def test_background_copy_may_wait_for_an_operation_that_waits(ring: Ring) -> None:
    """BF-14, C3: it has no operation of its own, so nobody can be waiting for it."""
    first = ring.claimed(0, GRANULE, active=True)
    waiting, _ = ring.active_write("waiting", 0, 2 * GRANULE)
    ring.background_copy("copy", 0)
    ring.operations.remove(first)
    assert ring.log == ["waiting"]
    ring.operations.remove(waiting)
    assert ring.log == ["waiting", "copy"]


@pytest.mark.parametrize("writers", [2, 3, 8])
def test_crowd_on_one_range_comes_through_in_the_order_of_coming(ring: Ring, writers: int) -> None:
    first = ring.claimed(0, GRANULE, active=True)
    waiting = [ring.active_write(f"write {number}", 0, GRANULE)[0] for number in range(writers)]
    ring.operations.remove(first)
    for number, operation in enumerate(waiting):
        assert ring.log == [f"write {index}" for index in range(number + 1)]
        ring.operations.remove(operation)
    assert len(ring.operations) == 0


def test_nobody_waits_for_a_range_once_the_job_has_failed(ring: Ring) -> None:
    operation = ring.claimed(0, GRANULE, active=True)
    _, task = ring.active_write("write", 0, GRANULE)
    ring.failed = True
    assert not task.done
    other = ring.claimed(0, GRANULE, active=True)
    ring.operations.remove(operation)
    assert ring.log == ["write"]
    ring.operations.remove(other)


def test_claim_of_nobody_is_a_bug_and_says_so(ring: Ring) -> None:
    operation = ring.claimed(0, GRANULE)
    operation.offset = 64 * GRANULE  # the claim stays where it was
    with pytest.raises(ModelError, match=r"^granules 0:1 are claimed by nobody that could be waited for$"):
        ring.background_copy("copy", 0)


# Slots and buffers


def wait_for_any(ring: Ring) -> Task:
    async def wait() -> None:
        await ring.operations.wait_for_any_background()
        ring.log.append("one ended")

    return ring.scheduler.start(wait(), "waiter")


def test_slot_is_waited_for_at_the_oldest_copy_that_has_one(ring: Ring) -> None:
    """BF-05, C2: what waits for buffers itself gives none back; BF-19: nor does an active write, which never ends."""
    ring.claimed(0, GRANULE, pseudo=True)
    ring.claimed(1 * GRANULE, GRANULE, active=True)
    ring.claimed(2 * GRANULE, GRANULE, started=False)
    oldest = ring.claimed(3 * GRANULE, GRANULE)
    ring.claimed(4 * GRANULE, GRANULE)
    assert wait_for_any(ring).waits_for == "copy 12288+4096 to end"
    ring.operations.remove(oldest)
    assert ring.log == ["one ended"]


def test_slot_that_nobody_could_give_back_is_a_bug_and_says_so(ring: Ring) -> None:
    ring.claimed(0, GRANULE, pseudo=True)
    ring.claimed(0, GRANULE, active=True)
    ring.claimed(0, GRANULE, started=False)
    with pytest.raises(ModelError, match=r"^nothing is in flight that could be waited for$"):
        wait_for_any(ring)


def wait_for_unstarted(ring: Ring) -> Task:
    async def wait() -> None:
        ring.log.append("one ended" if await ring.operations.wait_for_unstarted() else "there was none")

    return ring.scheduler.start(wait(), "waiter")


def test_copy_that_still_waits_for_buffers_is_waited_for(ring: Ring) -> None:
    """Whoever pauses or ends a job waits for it, or it would start afterwards."""
    ring.claimed(0, GRANULE, pseudo=True)
    ring.claimed(1 * GRANULE, GRANULE, active=True)
    ring.claimed(2 * GRANULE, GRANULE)
    unstarted = ring.claimed(3 * GRANULE, GRANULE, started=False)
    assert wait_for_unstarted(ring).waits_for == "copy 12288+4096 to end"
    ring.operations.remove(unstarted)
    assert ring.log == ["one ended"]


def test_nobody_else_is_waited_for_as_one_that_waits_for_buffers(ring: Ring) -> None:
    ring.claimed(0, GRANULE, pseudo=True, started=False)
    ring.claimed(1 * GRANULE, GRANULE, active=True)
    ring.claimed(2 * GRANULE, GRANULE)
    wait_for_unstarted(ring)
    assert ring.log == ["there was none"]
