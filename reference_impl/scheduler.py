"""Coroutines, bottom halves and virtual time: everything of the reference that decides what runs next.

The rule this module keeps: inside, there is no choice. Coroutines that are woken run in the order in which they were
woken, bottom halves in the order in which they were posted, timers in the order of their deadlines. What is
nondeterministic in a real block layer (when storage answers, when a guest request or a command arrives, when a timer
fires) is decided by whoever drives the scheduler from outside: that is what makes every run repeatable.

Entering a coroutine runs it at once to its first wait, and coroutines that it woke run as soon as it waits, before
control goes back to whoever entered it. That is the order of QEMU's coroutines (qemu_coroutine_enter and
aio_co_wake), and the order in which overlapping writes resume depends on it.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from reference_impl.errors import ModelError

STEPS_WITHOUT_REST_MAX = 1_000_000
"""More steps than this in one `settle` are a livelock: no case of the suite needs a hundredth of it."""


class LivelockError(ModelError):
    """The model goes on and on without any time passing.

    :ivar steps: how many steps were taken before giving up.
    """

    def __init__(self, steps: int, waits: list[str]) -> None:
        super().__init__(f"livelock: {steps} steps without coming to rest")
        self.steps = steps
        self.waits = waits


class Task:
    """One coroutine under the scheduler's control.

    :ivar name: for reports, such as ``guest write 1M+64k`` or ``job job0``.
    :ivar waits_for: what the coroutine waits for, in words; empty while it runs and when it is done.
    :ivar done: whether it has returned or raised.
    """

    __slots__ = ("_wakeups", "coroutine", "done", "name", "result", "waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], name: str) -> None:
        self.coroutine = coroutine
        self.name = name
        self.waits_for = ""
        self.done = False
        self.result: Any = None
        self._wakeups: deque[tuple[Task, Any]] = deque()

    def __repr__(self) -> str:
        return f"<Task {self.name}: {'done' if self.done else self.waits_for or 'running'}>"


class _Suspension:
    """What a coroutine awaits to give up control; the value it is woken with is the value of the await."""

    __slots__ = ("reason",)

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __await__(self) -> Generator[str, Any, Any]:
        return (yield self.reason)


class Timer:
    """A callback at a moment of virtual time."""

    __slots__ = ("callback", "deadline_ns", "name")

    def __init__(self, deadline_ns: int, name: str, callback: Callable[[], None]) -> None:
        self.deadline_ns = deadline_ns
        self.name = name
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Make sure that the timer never fires (again)."""
        self.callback = None

    @property
    def pending(self) -> bool:
        """Whether it will still fire."""
        return self.callback is not None


class Scheduler:
    """Runs tasks, bottom halves and timers; holds the virtual clock.

    :ivar now_ns: virtual time in nanoseconds; moves only in `advance_to_next_timer`, never backwards.
    :ivar current: the task that runs at this moment, None outside of any.
    :ivar tasks: all tasks that are not done, oldest first.
    """

    def __init__(self) -> None:
        self.now_ns = 0
        self.current: Task | None = None
        self.tasks: dict[Task, None] = {}
        self._bottom_halves: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[int, int, Timer]] = []
        self._timer_count = 0
        self._closed = False

    # Coroutines

    def start(self, coroutine: Coroutine[Any, Any, Any], name: str) -> Task:
        """Make a task of the coroutine and run it to its first wait.

        :raise Exception: what the coroutine raises, if nobody inside caught it: a bug of the model.
        """
        task = Task(coroutine, name)
        self.tasks[task] = None
        self.enter(task)
        return task

    def enter(self, task: Task, value: Any = None) -> None:
        """Run a waiting task to its next wait, then those that it woke, in the order of the waking.

        :raise LivelockError: when they wake each other for ever.
        """
        self._run(task, value)
        if not task._wakeups:
            return
        pending = task._wakeups
        task._wakeups = deque()
        for _ in range(STEPS_WITHOUT_REST_MAX):
            entered, entered_value = pending.popleft()
            self._run(entered, entered_value)
            if entered._wakeups:
                pending.extendleft(reversed(entered._wakeups))
                entered._wakeups.clear()
            if not pending:
                return
        raise LivelockError(STEPS_WITHOUT_REST_MAX, self.waits())

    def _run(self, task: Task, value: Any) -> None:
        if task.done:
            raise ModelError(f"task '{task.name}' is entered although it is done")
        if task is self.current:
            raise ModelError(f"task '{task.name}' is entered although it runs")
        outer = self.current
        self.current = task
        task.waits_for = ""
        try:
            task.waits_for = task.coroutine.send(value)
        except StopIteration as stop:
            task.done = True
            task.result = stop.value
            del self.tasks[task]
        except BaseException:
            task.done = True
            self.tasks.pop(task, None)
            raise
        finally:
            self.current = outer

    def wake(self, task: Task, value: Any = None) -> None:
        """Let a waiting task go on: after the current task waits, or at once when no task runs."""
        if self._closed:
            return
        if self.current is None:
            self.enter(task, value)
        else:
            self.current._wakeups.append((task, value))

    def suspend(self, reason: str) -> _Suspension:
        """Return what to await in order to wait; `reason` says in words for what, for reports of hangs."""
        return _Suspension(reason)

    @property
    def running(self) -> Task:
        """The task that runs; a ModelError when there is none, since only coroutines may wait."""
        if self.current is None:
            raise ModelError("only a coroutine may wait")
        return self.current

    # Bottom halves

    def post(self, callback: Callable[[], None]) -> None:
        """Run the callback from the main loop, after all that was posted before."""
        self._bottom_halves.append(callback)

    async def yield_to_main_loop(self, reason: str) -> None:
        """Wait for one turn of the main loop, behind everything that is posted now."""
        task = self.running
        self.post(lambda: self.wake(task))
        await self.suspend(reason)

    # Time

    def timer(self, delay_ns: int, name: str, callback: Callable[[], None]) -> Timer:
        """Arrange for a callback `delay_ns` (>= 0) nanoseconds of virtual time from now."""
        if delay_ns < 0:
            raise ModelError(f"timer '{name}': delay {delay_ns} is negative")
        timer = Timer(self.now_ns + delay_ns, name, callback)
        self._timer_count += 1
        heapq.heappush(self._timers, (timer.deadline_ns, self._timer_count, timer))
        return timer

    def next_timer(self) -> Timer | None:
        """The pending timer that fires first, or None."""
        while self._timers and not self._timers[0][2].pending:
            heapq.heappop(self._timers)
        return self._timers[0][2] if self._timers else None

    def timers(self) -> list[Timer]:
        """All pending timers in the order in which they would fire."""
        return [timer for _, _, timer in sorted(self._timers, key=lambda entry: entry[:2]) if timer.pending]

    def fire(self, timer: Timer) -> None:
        """Fire a pending timer; virtual time moves to its deadline if that lies ahead."""
        callback = timer.callback
        if callback is None:
            raise ModelError(f"timer '{timer.name}' is not pending")
        timer.cancel()
        self.now_ns = max(self.now_ns, timer.deadline_ns)
        callback()

    # The main loop

    def run_posted(self) -> None:
        """Run bottom halves until there are none; fire no timer."""
        for _ in range(STEPS_WITHOUT_REST_MAX):
            if not self._bottom_halves:
                return
            self._bottom_halves.popleft()()
        raise LivelockError(STEPS_WITHOUT_REST_MAX, self.waits())

    def step(self) -> bool:
        """Run one bottom half, or fire one timer that is due; return whether there was anything to do."""
        if self._bottom_halves:
            self._bottom_halves.popleft()()
            return True
        timer = self.next_timer()
        if timer is not None and timer.deadline_ns <= self.now_ns:
            self.fire(timer)
            return True
        return False

    def settle(self) -> None:
        """Run everything that can run without time passing.

        :raise LivelockError: when that does not end.
        """
        for _ in range(STEPS_WITHOUT_REST_MAX):
            if not self.step():
                return
        raise LivelockError(STEPS_WITHOUT_REST_MAX, self.waits())

    def advance_to_next_timer(self) -> bool:
        """Let time pass until the next timer fires; return False, without any time passing, when there is none."""
        timer = self.next_timer()
        if timer is None:
            return False
        self.fire(timer)
        return True

    def waits(self) -> list[str]:
        """One line for each task that waits, saying for what: the report of a hang."""
        return [f"{task.name}: waits for {task.waits_for or 'nothing'}" for task in self.tasks]

    def close(self) -> None:
        """Throw away all tasks where they stand; what they clean up on the way out wakes nobody."""
        self._closed = True
        for task in list(self.tasks):
            task.coroutine.close()
        self.tasks.clear()
        self._bottom_halves.clear()
        self._timers.clear()


class WaitQueue:
    """Tasks that wait for the same thing; woken in the order in which they came."""

    __slots__ = ("_scheduler", "_waiting")

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._waiting: deque[Task] = deque()

    async def wait(self, reason: str) -> None:
        """Wait until somebody wakes this task."""
        self._waiting.append(self._scheduler.running)
        await self._scheduler.suspend(reason)

    def wake_all(self) -> None:
        """Wake all that wait now; who waits again meanwhile is not woken again."""
        waiting, self._waiting = self._waiting, deque()
        for task in waiting:
            self._scheduler.wake(task)

    def wake_first(self) -> bool:
        """Wake the one that has waited longest; return whether there was one."""
        if not self._waiting:
            return False
        self._scheduler.wake(self._waiting.popleft())
        return True

    def __len__(self) -> int:
        return len(self._waiting)
