"""The scheduler: what runs next is never a matter of chance, and the clock is virtual."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial

import pytest

from reference_impl import scheduler as scheduler_module
from reference_impl.errors import ModelError
from reference_impl.scheduler import LivelockError, Scheduler, Task, WaitQueue

MS = 1_000_000


class Stage:
    """A scheduler and coroutines that note what they do."""

    def __init__(self) -> None:
        self.scheduler = Scheduler()
        self.log: list[str] = []
        self.tasks: dict[str, Task] = {}

    async def waiter(self, name: str, *wakes: str, waits: int = 1) -> None:
        """Note the start; wait; when woken, wake others and note that."""
        self.log.append(f"{name} starts")
        for _ in range(waits):
            await self.scheduler.suspend("a sign")
            self.log.append(f"{name} woken")
            for other in wakes:
                self.scheduler.wake(self.tasks[other])
                self.log.append(f"{name} wakes {other}")
        self.log.append(f"{name} ends")

    def start(self, name: str, *wakes: str, waits: int = 1) -> Task:
        self.tasks[name] = self.scheduler.start(self.waiter(name, *wakes, waits=waits), name)
        return self.tasks[name]


# Coroutines


def test_start_runs_to_the_first_wait_before_it_returns() -> None:
    stage = Stage()
    task = stage.start("a")
    assert stage.log == ["a starts"]
    assert (task.done, task.waits_for) == (False, "a sign")
    assert stage.scheduler.waits() == ["a: waits for a sign"]


def test_start_of_a_coroutine_without_waits_runs_it_whole() -> None:
    async def answer() -> int:
        return 42

    scheduler = Scheduler()
    task = scheduler.start(answer(), "answer")
    assert (task.done, task.result, task.waits_for) == (True, 42, "")
    assert scheduler.waits() == []


def test_wake_outside_of_any_coroutine_runs_at_once() -> None:
    stage = Stage()
    task = stage.start("a")
    stage.scheduler.wake(task)
    assert stage.log == ["a starts", "a woken", "a ends"]
    assert task.done


def test_wake_hands_over_a_value() -> None:
    scheduler = Scheduler()
    got: list[object] = []

    async def take() -> None:
        got.append(await scheduler.suspend("a value"))

    scheduler.wake(scheduler.start(take(), "taker"), (5, b"x"))
    assert got == [(5, b"x")]


def test_woken_coroutine_runs_only_after_its_waker_waits() -> None:
    stage = Stage()
    stage.start("b")
    first = stage.start("a", "b")
    stage.log.clear()
    stage.scheduler.wake(first)
    assert stage.log == ["a woken", "a wakes b", "a ends", "b woken", "b ends"]


def test_woken_coroutines_run_in_the_order_of_waking_before_control_returns() -> None:
    stage = Stage()
    for name in ("b", "c", "d"):
        stage.start(name)
    first = stage.start("a", "d", "b", "c")
    stage.log.clear()
    stage.scheduler.wake(first)
    assert [line for line in stage.log if line.endswith("woken")] == ["a woken", "d woken", "b woken", "c woken"]


def test_coroutines_woken_by_a_woken_one_come_before_its_brothers() -> None:
    """Depth first, as when each enters those that it woke as soon as it waits itself."""
    stage = Stage()
    for name in ("leaf1", "leaf2", "c"):
        stage.start(name)
    stage.start("b", "leaf1", "leaf2")
    first = stage.start("a", "b", "c")
    stage.log.clear()
    stage.scheduler.wake(first)
    woken = [line.split()[0] for line in stage.log if line.endswith("woken")]
    assert woken == ["a", "b", "leaf1", "leaf2", "c"]


def test_coroutine_started_by_another_runs_at_once_and_then_control_returns() -> None:
    stage = Stage()

    async def outer() -> None:
        stage.log.append("outer")
        stage.start("inner")
        stage.log.append("outer again")

    stage.scheduler.start(outer(), "outer")
    assert stage.log == ["outer", "inner starts", "outer again"]


def test_coroutine_that_wakes_itself_goes_on_when_it_waits() -> None:
    scheduler = Scheduler()
    log: list[str] = []

    async def restless() -> None:
        scheduler.wake(scheduler.running)
        log.append("asked")
        await scheduler.suspend("itself")
        log.append("went on")

    scheduler.start(restless(), "restless")
    assert log == ["asked", "went on"]


def test_exception_of_a_coroutine_reaches_whoever_entered_it() -> None:
    scheduler = Scheduler()

    async def fail() -> None:
        await scheduler.suspend("the end")
        raise ZeroDivisionError("oops")

    task = scheduler.start(fail(), "failing")
    with pytest.raises(ZeroDivisionError, match=r"^oops$"):
        scheduler.wake(task)
    assert task.done
    assert scheduler.current is None
    assert scheduler.waits() == []


def test_coroutine_that_is_done_cannot_be_entered() -> None:
    stage = Stage()
    task = stage.start("a", waits=0)
    with pytest.raises(ModelError, match=r"^task 'a' is entered although it is done$"):
        stage.scheduler.wake(task)


def test_coroutine_that_runs_cannot_be_entered() -> None:
    scheduler = Scheduler()

    async def enter_itself() -> None:
        scheduler.enter(scheduler.running)

    with pytest.raises(ModelError, match=r"^task 'loop' is entered although it runs$"):
        scheduler.start(enter_itself(), "loop")


def test_waiting_outside_of_any_coroutine_is_refused() -> None:
    with pytest.raises(ModelError, match=r"^only a coroutine may wait$"):
        _ = Scheduler().running


def test_representation_of_a_task_says_what_it_does() -> None:
    stage = Stage()
    task = stage.start("a")
    assert repr(task) == "<Task a: a sign>"
    stage.scheduler.wake(task)
    assert repr(task) == "<Task a: done>"


# Bottom halves


def test_bottom_halves_run_in_the_order_of_posting_and_never_within_it() -> None:
    scheduler = Scheduler()
    log: list[int] = []

    def first() -> None:
        log.append(1)
        scheduler.post(lambda: log.append(3))

    scheduler.post(first)
    scheduler.post(lambda: log.append(2))
    assert log == []
    scheduler.settle()
    assert log == [1, 2, 3]


def test_yield_to_main_loop_comes_back_behind_what_is_posted() -> None:
    scheduler = Scheduler()
    log: list[str] = []

    async def polite() -> None:
        await scheduler.yield_to_main_loop("its turn")
        log.append("polite")

    scheduler.post(lambda: log.append("posted before"))
    scheduler.start(polite(), "polite")
    scheduler.post(lambda: log.append("posted after"))
    assert scheduler.waits() == ["polite: waits for its turn"]
    scheduler.run_posted()
    assert log == ["posted before", "polite", "posted after"]


def test_step_does_one_thing_and_says_whether_there_was_one() -> None:
    scheduler = Scheduler()
    log: list[int] = []
    scheduler.timer(0, "due", lambda: log.append(2))
    scheduler.timer(1, "not due", lambda: log.append(3))
    scheduler.post(lambda: log.append(1))
    assert [scheduler.step(), scheduler.step(), scheduler.step()] == [True, True, False]
    assert log == [1, 2]


# Time


def test_settle_fires_what_is_due_and_lets_no_time_pass() -> None:
    scheduler = Scheduler()
    log: list[str] = []
    scheduler.timer(0, "now", lambda: log.append("now"))
    scheduler.timer(1, "later", lambda: log.append("later"))
    scheduler.settle()
    assert (log, scheduler.now_ns) == (["now"], 0)


def test_timers_fire_by_deadline_and_those_of_the_same_one_in_order() -> None:
    scheduler = Scheduler()
    log: list[str] = []

    def note(name: str) -> None:
        log.append(f"{name} at {scheduler.now_ns // MS}")

    for delay_ms, name in ((20, "c"), (10, "a"), (20, "d"), (10, "b")):
        scheduler.timer(delay_ms * MS, name, partial(note, name))
    assert [timer.name for timer in scheduler.timers()] == ["a", "b", "c", "d"]
    while scheduler.advance_to_next_timer():
        pass
    assert log == ["a at 10", "b at 10", "c at 20", "d at 20"]


def test_cancelled_timer_never_fires_and_never_moves_the_clock() -> None:
    scheduler = Scheduler()
    timer = scheduler.timer(5 * MS, "cancelled", lambda: pytest.fail("it fired"))
    timer.cancel()
    assert not timer.pending
    assert scheduler.timers() == []
    assert scheduler.next_timer() is None
    assert not scheduler.advance_to_next_timer()
    assert scheduler.now_ns == 0
    with pytest.raises(ModelError, match=r"^timer 'cancelled' is not pending$"):
        scheduler.fire(timer)


def test_timer_fires_once() -> None:
    scheduler = Scheduler()
    timer = scheduler.timer(0, "once", lambda: None)
    scheduler.fire(timer)
    with pytest.raises(ModelError, match=r"^timer 'once' is not pending$"):
        scheduler.fire(timer)


def test_timer_that_sets_itself_again_goes_by_the_clock() -> None:
    scheduler = Scheduler()
    moments: list[int] = []

    def again() -> None:
        moments.append(scheduler.now_ns)
        if len(moments) < 3:
            scheduler.timer(7, "again", again)

    scheduler.timer(7, "again", again)
    while scheduler.advance_to_next_timer():
        pass
    assert moments == [7, 14, 21]


def test_clock_never_goes_back_when_a_later_timer_is_fired_first() -> None:
    """Schedules may fire timers in any order; the one that is overdue finds the clock where it is."""
    scheduler = Scheduler()
    moments: list[int] = []
    early = scheduler.timer(10, "early", lambda: moments.append(scheduler.now_ns))
    late = scheduler.timer(20, "late", lambda: moments.append(scheduler.now_ns))
    scheduler.fire(late)
    scheduler.fire(early)
    assert moments == [20, 20]


def test_timer_with_a_negative_delay_is_refused() -> None:
    with pytest.raises(ModelError, match=r"^timer 'past': delay -1 is negative$"):
        Scheduler().timer(-1, "past", lambda: None)


# Livelocks and hangs


@pytest.mark.parametrize("settle", [Scheduler.settle, Scheduler.run_posted])
def test_livelock_of_bottom_halves_is_named(
    monkeypatch: pytest.MonkeyPatch, settle: Callable[[Scheduler], None]
) -> None:
    monkeypatch.setattr(scheduler_module, "STEPS_WITHOUT_REST_MAX", 1000)
    stage = Stage()
    stage.start("bystander")

    def again() -> None:
        stage.scheduler.post(again)

    stage.scheduler.post(again)
    with pytest.raises(LivelockError, match=r"^livelock: 1000 steps without coming to rest$") as caught:
        settle(stage.scheduler)
    assert caught.value.steps == 1000
    assert caught.value.waits == ["bystander: waits for a sign"]


def test_livelock_of_timers_that_are_always_due_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler_module, "STEPS_WITHOUT_REST_MAX", 1000)
    scheduler = Scheduler()

    def again() -> None:
        scheduler.timer(0, "again", again)

    again()
    with pytest.raises(LivelockError, match=r"^livelock: 1000 steps without coming to rest$"):
        scheduler.settle()


def test_livelock_of_coroutines_that_wake_each_other_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """They never give control back to the main loop, so it is `enter` that has to notice."""
    monkeypatch.setattr(scheduler_module, "STEPS_WITHOUT_REST_MAX", 1000)
    scheduler = Scheduler()
    tasks: list[Task] = []

    async def play(other: int) -> None:
        while True:
            await scheduler.suspend("the ball")
            scheduler.wake(tasks[other])

    tasks.extend(scheduler.start(play(other), f"player {1 - other}") for other in (1, 0))
    with pytest.raises(LivelockError, match=r"^livelock: 1000 steps without coming to rest$"):
        scheduler.wake(tasks[0])


# Wait queues


def test_wait_queue_wakes_in_the_order_of_coming() -> None:
    scheduler = Scheduler()
    queue = WaitQueue(scheduler)
    log: list[str] = []

    async def wait(name: str) -> None:
        await queue.wait("the queue")
        log.append(name)

    for name in ("a", "b", "c"):
        scheduler.start(wait(name), name)
    assert len(queue) == 3
    assert queue.wake_first()
    assert (log, len(queue)) == (["a"], 2)
    queue.wake_all()
    assert (log, len(queue)) == (["a", "b", "c"], 0)
    assert not queue.wake_first()


def test_wait_queue_does_not_wake_who_waits_again() -> None:
    scheduler = Scheduler()
    queue = WaitQueue(scheduler)
    rounds: list[str] = []

    async def wait(name: str) -> None:
        while True:
            await queue.wait("the queue")
            rounds.append(name)

    for name in ("a", "b"):
        scheduler.start(wait(name), name)
    queue.wake_all()
    assert rounds == ["a", "b"]
    assert len(queue) == 2
    scheduler.close()


# The end


def test_close_in_the_middle_of_everything_is_silent() -> None:
    stage = Stage()
    stage.start("b")
    queue = WaitQueue(stage.scheduler)
    cleaned: list[str] = []

    async def cleaner() -> None:
        try:
            await queue.wait("the end")
        finally:
            cleaned.append("cleaned")
            stage.scheduler.wake(stage.tasks["b"])
            queue.wake_all()

    stage.scheduler.start(cleaner(), "cleaner")
    stage.scheduler.post(lambda: pytest.fail("a bottom half ran"))
    stage.scheduler.timer(0, "timer", lambda: pytest.fail("a timer fired"))
    stage.scheduler.close()
    assert cleaned == ["cleaned"]
    assert stage.log == ["b starts"]
    assert stage.scheduler.waits() == []
    stage.scheduler.settle()
    assert not stage.scheduler.advance_to_next_timer()
    stage.scheduler.close()


def test_close_leaves_no_coroutine_that_was_never_awaited() -> None:
    """Python warns of those when they are collected, and the warning would be an error here."""
    stage = Stage()
    for index in range(10):
        stage.start(f"task {index}")
    stage.scheduler.close()
    del stage
    gc.collect()


def test_close_after_a_coroutine_failed_in_the_middle_of_waking_others() -> None:
    scheduler = Scheduler()
    stage = Stage()
    stage.scheduler = scheduler
    stage.start("b")

    async def fail() -> None:
        scheduler.wake(stage.tasks["b"])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        scheduler.start(fail(), "failing")
    assert scheduler.waits() == ["b: waits for a sign"]
    scheduler.close()
