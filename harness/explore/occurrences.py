"""Tells requests apart that look alike, in the same way on a model and on a real program.

A real program does not say which of a guest's requests or of a job's copies a request of its own belongs to. What can
be compared is what is asked of which disk, and how many that look like it came before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harness.explore.decision import Decision, describe_request
from harness.explore.runner import Chooser
from harness.explore.world import World
from harness.implementations.base import PendingCommand
from harness.storage import Operation, StorageRequest

_FAILS = " fails with "
_LATER = ", later"


class ScriptStep(NamedTuple):
    """One step of a schedule, as it can be repeated on a program that only shows its outside.

    :ivar name: as `Occurrences` has it. :ivar label: as the schedule has it.
    :ivar after_time: whether time has to pass before it is offered.
    :ivar offered: the requests of which one could be chosen. :ivar unanswered: the commands that have no answer before
        it; None when that is not known.
    """

    name: str
    label: str
    after_time: bool = False
    offered: frozenset[str] = frozenset()
    unanswered: tuple[str, ...] | None = None


class Occurrences:
    """Names decisions: ``source write 4k+4k of 0xa1, second``.

    It must be shown every list of decisions of a run, so that it sees requests in the order of their arrival.
    """

    def __init__(self) -> None:
        self._numbers: dict[StorageRequest, int] = {}
        self._counts: Counter[str] = Counter()

    def names(self, decisions: Iterable[Decision]) -> list[str]:
        """The names of these decisions."""
        return [self._name(decision) for decision in decisions]

    def _name(self, decision: Decision) -> str:
        request = decision.request
        if request is None:
            return decision.label
        text = describe_request(request)
        number = self._numbers.get(request)
        if number is None:
            self._counts[text] += 1
            number = self._numbers[request] = self._counts[text]
        return _named(text, number, decision.label.partition(_FAILS)[2] if decision.is_fault else "")


def _named(text: str, number: int, error: str) -> str:
    return f"{text} #{number}" + (f"{_FAILS}{error}" if error else "")


def unanswered_commands(world: World) -> tuple[str, ...]:
    """The names of the commands that were started and have no answer, at rest."""
    return tuple(name for name in world.unanswered() if isinstance(world.pending[name], PendingCommand))


class Recorder:
    """Chooses as somebody else does, and keeps what was chosen as a script.

    :ivar script: what a real program can be asked for; its timers fire, and its flushes are done, by themselves.
    """

    def __init__(self, choose: Chooser) -> None:
        self._choose = choose
        self._occurrences = Occurrences()
        self._time_passes = False
        self.script: list[ScriptStep] = []

    def choose(self, world: World, decisions: list[Decision]) -> int:
        """Choose and take note."""
        names = self._occurrences.names(decisions)
        index = self._choose(world, decisions)
        decision = decisions[index]
        request = decision.request
        if request is None and decision.number < 0:
            self._time_passes = self._time_passes or decision.takes_time
        elif request is None or request.operation is not Operation.FLUSH:
            offered = frozenset(
                name
                for name, other in zip(names, decisions, strict=True)
                if other.request is not None and other.request.operation is not Operation.FLUSH
            )
            self.script.append(
                ScriptStep(names[index], decision.label, self._time_passes, offered, unanswered_commands(world))
            )
            self._time_passes = False
        return index


def script_from_labels(steps: Sequence[str]) -> list[ScriptStep]:
    """A script of a schedule that no model follows; of requests that look alike, the first step has the first."""
    script: list[ScriptStep] = []
    counts: Counter[str] = Counter()
    time_passes = False
    for step in steps:
        what = step.partition(": ")[2]
        if what == "starts":
            script.append(ScriptStep(step, step, time_passes))
        elif what.endswith((" sleeps", _LATER, " flush")):
            time_passes = time_passes or what.endswith(_LATER)
            continue
        else:
            text, _, error = what.partition(_FAILS)
            counts[text] += 1
            script.append(ScriptStep(_named(text, counts[text], error), step, time_passes))
        time_passes = False
    return script
