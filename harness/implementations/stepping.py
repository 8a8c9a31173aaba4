"""What an explorer needs of a session beyond what a case needs: one decision at a time.

A model can come to rest with timers still due, name the coroutine that runs, and say what every coroutine waits for. A
real program cannot; its sessions have no `stepping`, and whoever explores one waits for it instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from harness.implementations.base import Session


class PendingTimer(NamedTuple):
    """The timer that would fire next.

    :ivar name: of what it wakes. :ivar delay_ns: virtual time until its deadline, 0 when it is due.
    """

    name: str
    delay_ns: int


class Stepping(Protocol):
    """The inside of a model, as far as decisions go."""

    def rest(self) -> None:
        """Run until nothing can happen without a decision: no timer fires, not even one that is due.

        :raise ImplementationError: when the model breaks, or does not come to rest.
        """

    def next_timer(self) -> PendingTimer | None:
        """The timer that would fire next."""

    def fire_next_timer(self) -> None:
        """Fire it; time moves to its deadline.

        :raise ImplementationError: when the model breaks.
        """

    def running(self) -> str:
        """The name of the coroutine that runs at this moment, empty outside of any."""

    def waits(self) -> list[str]:
        """For each coroutine a line that says what it waits for."""

    def fresh(self) -> Session:
        """Another session of the same implementation, with nothing in it."""

    def unchanging(self) -> tuple[object, ...]:
        """Objects of the model that never change and hold nothing that does and cannot be reached otherwise."""

    def now_ns(self) -> int:
        """Virtual time."""

    def begin_drain(self, node_name: str, on_begun: Callable[[], None]) -> None:
        """Begin a drained section on a node; `on_begun` is called once nothing is in flight there any more."""

    def end_drain(self, node_name: str) -> None:
        """End it."""

    def jobs(self) -> Mapping[str, Any]:
        """The jobs by id, as the model has them; for checks of what must hold inside, which read and change nothing."""
