"""Runs schedules and remembers every state that it has come to, so that no step is taken twice from the same state.

Most schedules of a scenario meet again: two writes that were served in either order, and answered, leave the same.
Two runs that have come to the same state (`harness.explore.state_key`) go on in the same way under the same decisions,
because between two decisions the model takes none by chance (`mirrorcheck explore` proves that first, for each
scenario). So each decision is taken *once* in each state, with all checks after it; a schedule that comes to a state
again goes on in memory, along decisions and to an outcome that are known. It is still gone through step by step, as the
strategy chooses, and counted as a schedule of its own: how many there are, what comes of them and which are equivalent
does not change, only what it costs.

When a schedule leaves what is known, the run is made up for from the beginning.

What counts as the same: the number of steps so far, so that no schedule can go in a circle; virtual time; everything
inside of the model; what is held, and in which order it is offered; what has been seen (events, answers); what the
checks have noted. Of the steps at which something was started, answered or changed, only that is kept which start came
before which answer or change: nobody ever asks for more than that, or whether one of them is of this very step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.explore.checks import Checks
from harness.explore.decision import Decision, Offered
from harness.explore.failure import Failure, FailureKind
from harness.explore.runner import Opener, Run
from harness.explore.scenario import Scenario
from harness.explore.state_key import StateKeys
from harness.explore.world import World
from harness.implementations.base import Session

RUNS_BEFORE_KEYS = 50
"""So many schedules are run before states are told apart, which costs more than it saves where there are no more."""

STATES_MAX = 100_000
"""So many states are remembered, at about a kilobyte each; whatever comes behind them is run each time."""

_OMITTED = {
    # what a step leaves for those who look on after it, and the next step begins anew
    "World": frozenset(
        {"answered_now", "slept_ns", "steps", "submitted"}
        # what is given to the key in an order of its own, or with others
        | {"answered_at", "pending", "plan", "scenario", "session", "started_at", "stepping"}
        | {"_actor_of_task", "_starts", "_unanswered"}  # which are still pending follows from what is answered
    ),
    "Checks": frozenset({"_cancelled_at", "_entered", "_world"}),
    "ModeChecks": frozenset({"_world"}),
    "Before": frozenset({"flushed_at", "mode_since", "synced_since"}),
    # how many there have been; what is held is kept in the order in which it came
    "StorageRequest": frozenset({"index"}),
    "HeldStorage": frozenset({"_arrived", "_held", "on_submit"}),
    "Rule": frozenset({"remaining", "taken"}),  # the one rule of each disk holds everything, for ever
    "Scheduler": frozenset({"_timer_count"}),
    "Decision": frozenset({"serial"}),
}
_OUTSIDE = frozenset({"FilePort"})


class State:
    """A state that was come to.

    :ivar offered: what could happen next; empty at the end.
    :ivar following: by position, where each of them leads, as far as that is known.
    :ivar outcome: at the end, what an outsider saw. :ivar failure: what was wrong, if anything.
    """

    __slots__ = ("failure", "following", "offered", "outcome")

    def __init__(
        self, offered: Offered, outcome: tuple[Any, ...] | None = None, failure: Failure | None = None
    ) -> None:
        self.offered = offered
        self.following: list[State | None] = [None] * len(offered)
        self.outcome = outcome
        self.failure = failure


class Live:
    """A run under way."""

    __slots__ = ("checks", "session", "world")

    def __init__(self, opener: Opener, scenario: Scenario) -> None:
        self.session: Session = opener()
        try:
            self.world = World(self.session, scenario)
            self.checks = Checks(self.world)
        except BaseException:
            self.session.close()
            raise


class Recall:
    """Runs schedules of one scenario on a model.

    :ivar steps_run: how many steps were really taken. :ivar states_count: how many states were told apart.
    """

    def __init__(self, opener: Opener, scenario: Scenario) -> None:
        self._opener = opener
        self._scenario = scenario
        self._keys: StateKeys | None = None
        self._known: dict[bytes, State] = {}
        self._root: State | None = None
        self._remembered_count = 0
        self._runs_count = 0
        self.steps_run = 0

    @property
    def states_count(self) -> int:
        """How many states were told apart."""
        return len(self._known)

    def run(self, choose: Callable[[Any, list[Decision]], int]) -> Run:
        """Run one schedule to its end or its failure.

        :param choose: of a strategy that is blind: it is given None for the world, because there may be none.
        """
        steps: list[tuple[Decision, int]] = []
        live: Live | None = None
        try:
            state, live = self.begin()
            while state.offered:
                index = choose(None, state.offered)
                following, live = self.follow(state, index, live, steps)
                steps.append((state.offered[index], index))
                state = following
        except Failure as failure:
            return Run([decision for decision, _ in steps], failure, None)
        finally:
            if live is not None:
                live.session.close()
        return Run([decision for decision, _ in steps], state.failure, state.outcome)

    def begin(self) -> tuple[State, Live | None]:
        """Begin another schedule: its first state, and a run if it had to be found out."""
        self._runs_count += 1
        live = self._begin() if self._root is None else None
        assert self._root is not None
        return self._root, live

    def follow(
        self, state: State, index: int, live: Live | None, steps: Iterable[tuple[Decision, int]]
    ) -> tuple[State, Live | None]:
        """Take a decision: where it leads, and the run if there is one that has come there.

        :param steps: the decisions that led to the state, with their positions; asked for only when a run has to be
            made up for. :raise Failure: when they cannot be repeated.
        """
        following = state.following[index]
        if following is not None:
            if live is not None:
                live.session.close()
            return following, None
        if live is None:
            live = self._make_up_for(steps)
        following = self._step(live, index)
        if self._remembered_count < STATES_MAX:
            self._remembered_count += 1
            state.following[index] = following
        return following, live

    def _begin(self) -> Live | None:
        try:
            live = Live(self._opener, self._scenario)
        except Failure as failure:
            self._root = State(Offered(), failure=failure)
            return None
        self._root = self._state_of(live)
        return live

    def _make_up_for(self, steps: Iterable[tuple[Decision, int]]) -> Live:
        """Repeat a schedule up to where it leaves what is known."""
        live = Live(self._opener, self._scenario)
        try:
            for number, (expected, index) in enumerate(steps):
                offered = live.world.decisions()
                found = offered[index].label if index < len(offered) else "nothing"
                if found != expected.label:
                    raise Failure(
                        FailureKind.NONDETERMINISM,
                        f"step {number + 1} was offered as '{expected.label}' and is now '{found}'",
                    )
                self.steps_run += 1
                live.world.take(offered[index])
                live.checks.after_step()
        except BaseException:
            live.session.close()
            raise
        return live

    def _step(self, live: Live, index: int) -> State:
        """Take a decision for the first time in its state, and look at what comes of it."""
        world = live.world
        self.steps_run += 1
        try:
            world.take(world.decisions()[index])
            live.checks.after_step()
            return self._state_of(live)
        except Failure as failure:
            return State(Offered(), failure=failure)

    def _state_of(self, live: Live) -> State:
        world = live.world
        decisions = [] if world.is_finished() else world.decisions()
        if not decisions:
            if not world.is_finished():
                raise live.checks.nothing_can_happen()
            live.checks.at_end()
            return State(Offered(), world.outcome())
        # Where there is no choice, the state behind it is soon enough.
        wants_key = len(decisions) > 1 and self._runs_count > RUNS_BEFORE_KEYS
        wants_key = wants_key and self._remembered_count < STATES_MAX
        key = self._key_of(live) if wants_key else None
        state = self._known.get(key) if key is not None else None
        if state is None:
            state = State(Offered([decision.without_request() for decision in decisions]))
            if key is not None:
                self._known[key] = state
        return state

    def _key_of(self, live: Live) -> bytes | None:
        world, checks = live.world, live.checks
        if self._keys is None:
            plan = world.plan
            self._keys = StateKeys(_OMITTED, (plan, plan.pairs), _OUTSIDE)
        assert world.stepping is not None
        return self._keys.key_of(
            checks,
            world,
            live.session,
            [disk.held for disk in world.disks.values()],
            ranks(world.started_at | checks.starts(), world.ends() | checks.moments()),
            sorted(world.pending.items()),
            world.counts(),
            len(world.steps),
            unchanging=world.stepping.unchanging(),
        )


def ranks(starts: Mapping[str, int], others: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """What is before what, of starts on one hand and of ends and changes on the other, in its shortest form.

    Steps at which only something started become one as long as nothing else came between, and so do steps at which
    only something ended or changed. What is compared, a start with something else, stays less, equal or greater.

    :param starts, others: by what they are of, the steps.
    """
    of_starts, of_others = set(starts.values()), set(others.values())
    rank_of: dict[int, int] = {}
    rank, before = 0, (True, True)
    for step in sorted({0} | of_starts | of_others):
        kinds = (step in of_starts, step in of_others)
        if step and (kinds != before or kinds == (True, True)):
            rank += 1
        before = kinds if step else (True, True)
        rank_of[step] = rank
    return sorted(
        [(what, "starts", rank_of[step]) for what, step in starts.items()]
        + [(what, "is", rank_of[step]) for what, step in others.items()]
    )
