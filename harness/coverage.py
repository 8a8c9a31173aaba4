"""What transcripts show of a job's life: transitions, verbs in states, events, error texts; and what was never seen.

Transcripts are read and nothing else: commands, replies and events stand in them as they came. So what this counts as
seen has been printed, and compared with a golden. A cell of the table of verbs is seen when the verb was said in that
state and came to what the table says: it was accepted, or refused.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from harness import refusals
from harness.job_table import (
    ACCEPTED,
    CELLS,
    EVENTS,
    HIDDEN_TRANSITIONS,
    NEEDED_FOR_TRANSITION,
    NEEDED_FOR_VERB,
    REFUSED,
    TRANSITIONS,
    VERBS,
)

EVERYTHING = frozenset(NEEDED_FOR_VERB.values()) | frozenset(NEEDED_FOR_TRANSITION.values())
"""The features with which every verb has a command and every transition a job that takes it."""

_COMMAND = re.compile(r"-> (?P<command>\S+) (?P<arguments>\{.*\})")
_EVENT = re.compile(r"event (?P<name>[A-Z_]+) (?P<data>\{.*\})")
_VERB_COMMAND = re.compile(r"(?:block-)?job-(?P<verb>[a-z-]+)")

Cell = tuple[str, str, str]
"""State, verb, and what came of it."""


@dataclass
class Coverage:
    """What was seen.

    :ivar cells: state, verb and ``accepted`` or ``refused``; the state ``null`` is that of a job that is not there.
    :ivar errors: texts of refusals as in the table of `refusals`; those that it does not know with what is between
        quotes left out.
    """

    transitions: set[tuple[str, str]] = field(default_factory=set)
    cells: set[Cell] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)

    def add(self, transcript: str, *, deviates: bool = False) -> None:
        """Take in what a transcript shows.

        :param deviates: the implementation is known to do otherwise in this case: a cell is seen whatever came of it.
        """
        states: dict[str, str] = {}
        under_way: deque[tuple[str, str] | None] = deque()
        for line in transcript.splitlines():
            if match := _COMMAND.fullmatch(line):
                under_way.append(_cell(match["command"], _object(match["arguments"]), states))
            elif match := _EVENT.fullmatch(line):
                self._add_event(match["name"], _object(match["data"]), states)
            elif line.startswith("<- "):
                reply = _object(line.removeprefix("<- "))
                self._add_reply(reply, under_way.popleft() if under_way else None, deviates=deviates)

    def _add_reply(self, reply: dict[str, object], cell: tuple[str, str] | None, *, deviates: bool) -> None:
        error = reply.get("error")
        if isinstance(error, dict):
            self.errors.add(refusals.known_as(str(error.get("desc"))))
        if cell is not None:
            outcomes = (ACCEPTED, REFUSED) if deviates else (REFUSED if error is not None else ACCEPTED,)
            self.cells |= {(*cell, outcome) for outcome in outcomes}

    def _add_event(self, name: str, data: dict[str, object], states: dict[str, str]) -> None:
        self.events.add(name)
        if name == "JOB_STATUS_CHANGE" and {"id", "status"} <= data.keys():
            job_id, state = str(data["id"]), str(data["status"])
            self.transitions.add((states.pop(job_id, "undefined"), state))
            if state != "null":
                states[job_id] = state

    def lines(self) -> set[str]:
        """Everything that was seen, by the names that `unseen` has for it."""
        return {
            *(f"transition {before} -> {after}" for before, after in self.transitions),
            *(f"verb {verb} in {state}: {outcome}" for state, verb, outcome in self.cells),
            *(f"event {name}" for name in self.events),
            *(f"error text {text}" for text in self.errors),
        }

    def unseen(self, features: Iterable[str] = EVERYTHING) -> list[str]:
        """One line for everything that could be seen and was not, by name: transitions, cells, events, error texts.

        :param features: what the implementation offers.
        """
        features = frozenset(features)
        seen = self.lines()
        visible = [
            *(f"transition {before} -> {after}" for before, after in sorted(visible_transitions(features))),
            *(f"verb {verb} in {state}: {outcome}" for state, verb, outcome in visible_cells(features)),
            *(f"event {name}" for name in EVENTS),
            *(f"error text {text}" for text in refusals.expected(features)),
        ]
        return [line for line in visible if line not in seen]

    def unlawful(self) -> list[str]:
        """One line for each transition that was seen and is none of the 20."""
        return [f"transition {before} -> {after}" for before, after in sorted(self.transitions - TRANSITIONS)]


def visible_transitions(features: Iterable[str] = EVERYTHING) -> frozenset[tuple[str, str]]:
    """The transitions that an event of a program with these features can show."""
    missing = {pair for pair, feature in NEEDED_FOR_TRANSITION.items() if feature not in features}
    return TRANSITIONS - HIDDEN_TRANSITIONS.keys() - missing


def visible_cells(features: Iterable[str] = EVERYTHING) -> list[Cell]:
    """The cells that a program with these features can show."""
    missing = {verb for verb, feature in NEEDED_FOR_VERB.items() if feature not in features}
    return [(state, verb, outcome) for (state, verb), outcome in CELLS.items() if verb not in missing]


def of_transcripts(transcripts: Iterable[str]) -> Coverage:
    """What all of these show together."""
    coverage = Coverage()
    for transcript in transcripts:
        coverage.add(transcript)
    return coverage


def _cell(command: str, arguments: dict[str, object], states: dict[str, str]) -> tuple[str, str] | None:
    verb = _VERB_COMMAND.fullmatch(command)
    job_id = arguments.get("id", arguments.get("device"))
    if verb is None or verb["verb"] not in VERBS or not isinstance(job_id, str):
        return None
    return states.get(job_id, "null"), verb["verb"]


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
