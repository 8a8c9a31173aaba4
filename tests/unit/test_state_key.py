"""Keys of states: equal for what is the same, different for whatever could make a difference, None for the unknown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from harness.explore.state_key import StateKeys
from harness.pages import PAGE_SIZE, ZERO_PAGE
from harness.storage import HeldStorage, Operation
from reference_impl.scheduler import Scheduler, WaitQueue


class Thing:
    """An object with attributes."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__ |= attributes


class Slotted:
    """An object with slots, one of which is left unset."""

    __slots__ = ("first", "second")

    def __init__(self, first: object) -> None:
        self.first = first


for own in (Thing, Slotted):
    own.__module__ = "harness.tests"


def key(*roots: object) -> bytes | None:
    return StateKeys({}).key_of(*roots)


def waiting(make: Callable[[Scheduler], Coroutine[Any, Any, Any]]) -> Scheduler:
    scheduler = Scheduler()
    scheduler.start(make(scheduler), "task")
    return scheduler


async def counts(scheduler: Scheduler, count: int) -> None:
    await scheduler.suspend("something")
    assert count


async def waits_twice(scheduler: Scheduler) -> None:
    await scheduler.suspend("something")
    await scheduler.suspend("something")


def test_equal_values_in_different_objects_have_one_key() -> None:
    assert key(Thing(a=[1, "x"], b=b"yy")) == key(Thing(a=[1, "x"], b=bytes([121, 121])))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, "1"),
        ([1], (1,)),
        ({"a": 1}, {"a": 2}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1}, {"1"}),
        (Thing(a=1), Thing(b=1)),
        (Thing(a=1), Slotted(1)),
        (Slotted(1), Slotted(None)),
        (ZERO_PAGE, bytes(bytearray(PAGE_SIZE))),
        (Operation.READ, Operation.WRITE),
        (partial(print, 1), partial(print, 2)),
        (ValueError, TypeError),
        ("(0,)", ("(0,)",)),
    ],
)
def test_what_differs_has_different_keys(one: object, other: object) -> None:
    assert key(one) is not None
    assert key(one) != key(other)


def test_who_shares_an_object_is_part_of_the_key() -> None:
    shared: list[int] = []
    assert key([shared, shared]) != key([[], []])


def test_circles_end() -> None:
    one, other = Thing(), Thing()
    one.peer, other.peer = other, one
    assert key(one) == key(other)


def test_what_a_function_closes_over_is_part_of_the_key() -> None:
    def closing(value: int) -> Callable[[], int]:
        return lambda: value

    assert key(closing(1)) == key(closing(1))
    assert key(closing(1)) != key(closing(2))


def test_local_variables_of_a_waiting_coroutine_are_part_of_the_key() -> None:
    def of(count: int) -> bytes | None:
        return key(waiting(lambda scheduler: counts(scheduler, count)))

    assert of(1) is not None
    assert of(1) == of(1)
    assert of(1) != of(2)


def test_where_a_coroutine_waits_is_part_of_the_key() -> None:
    once, twice = waiting(waits_twice), waiting(waits_twice)
    (task,) = twice.tasks
    before = key(twice)
    twice.wake(task)
    assert key(once) == before
    assert key(twice) != before


def test_who_waits_first_is_part_of_the_key() -> None:
    def queue(names: list[str]) -> WaitQueue:
        scheduler = Scheduler()
        queue = WaitQueue(scheduler)
        for name in names:
            scheduler.start(queue.wait("its turn"), name)
        return queue

    assert key(queue(["a", "b"])) == key(queue(["a", "b"]))
    assert key(queue(["a", "b"])) != key(queue(["b", "a"]))


def test_contents_of_a_disk_are_part_of_the_key() -> None:
    disks = [HeldStorage("disk", 2 * PAGE_SIZE) for _ in range(3)]
    disks[1].write_bytes(PAGE_SIZE, b"x")
    disks[2].fill(0)
    assert len({key(disk) for disk in disks}) == 3


def test_what_is_omitted_or_shared_is_no_part_of_it() -> None:
    plan = Thing(size=1)
    keys = StateKeys({"Thing": frozenset({"past"})}, (plan,))
    one = keys.key_of(Thing(past=1, plan=plan))
    plan.size = 2
    assert keys.key_of(Thing(past=2, plan=plan)) == one


def test_unknown_kind_is_compared_with_nothing() -> None:
    assert key(Thing(lock=threading.Lock())) is None
    assert key({object()}) is None


def test_what_stands_for_something_outside_is_compared_with_nothing() -> None:
    assert StateKeys({}, outside=frozenset({"Thing"})).key_of([Thing()]) is None
