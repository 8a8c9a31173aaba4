"""What transcripts show of a job's life: transitions, verbs in states, events, and what was never seen.

Transcripts are read and nothing else: commands, replies and events stand in them as they came. So what this counts as
seen has been printed, and compared with a golden. What is to be seen is listed here: the 20 transitions, all verbs in
all states, the events. Of these some cannot be seen from outside; they are named with the reason, and tests of the
job's tables stand for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

STATES = (
    "undefined",
    "created",
    "running",
    "paused",
    "ready",
    "standby",
    "waiting",
    "pending",
    "aborting",
    "concluded",
)
VERBS = ("cancel", "pause", "resume", "set-speed", "complete", "finalize", "dismiss", "change")

TRANSITIONS = frozenset(
    {
        ("undefined", "created"),
        *(("created", state) for state in ("running", "aborting", "null")),
        *(("running", state) for state in ("paused", "ready", "waiting", "aborting")),
        ("paused", "running"),
        *(("ready", state) for state in ("standby", "waiting", "aborting")),
        ("standby", "ready"),
        *(("waiting", state) for state in ("pending", "aborting")),
        *(("pending", state) for state in ("aborting", "concluded")),
        *(("aborting", state) for state in ("aborting", "concluded")),
        ("concluded", "null"),
    }
)

EVENTS = (
    "JOB_STATUS_CHANGE",
    "BLOCK_JOB_READY",
    "BLOCK_JOB_COMPLETED",
    "BLOCK_JOB_CANCELLED",
    "BLOCK_JOB_ERROR",
    "BLOCK_JOB_PENDING",
)

HIDDEN_STATES = {
    "undefined": "a job is in it before it has an id",
    "created": "a mirror is started before the command that makes it is answered",
    "waiting": "a job that is alone is pending at once",
    "aborting": "a job concludes before anybody can say anything",
}
"""States in which no verb can be said, and why."""

HIDDEN_TRANSITIONS = {
    ("created", "aborting"): "a mirror is never cancelled before it is started",
    ("running", "waiting"): "a mirror is ready before it ends",
    ("waiting", "aborting"): "only a transaction's other jobs can do that, and no mirror is in one",
    ("aborting", "aborting"): "it is no change, so there is no event",
}
"""Transitions that no event of a mirror can show, and why."""

_COMMAND = re.compile(r"-> (?P<command>\S+) (?P<arguments>\{.*\})")
_EVENT = re.compile(r"event (?P<name>[A-Z_]+) (?P<data>\{.*\})")
_VERB_COMMAND = re.compile(r"(?:block-)?job-(?P<verb>[a-z-]+)")


@dataclass
class Coverage:
    """What was seen.

    :ivar cells: (state, verb) to how often; the state ``null`` is that of a job that is not there.
    :ivar errors: texts of refusals, with what is between quotes left out.
    """

    transitions: set[tuple[str, str]] = field(default_factory=set)
    cells: set[tuple[str, str]] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)

    def add(self, transcript: str) -> None:
        """Take in what a transcript shows."""
        states: dict[str, str] = {}
        for line in transcript.splitlines():
            if match := _COMMAND.fullmatch(line):
                self._add_command(match["command"], _object(match["arguments"]), states)
            elif match := _EVENT.fullmatch(line):
                self._add_event(match["name"], _object(match["data"]), states)
            elif line.startswith("<- "):
                error = _object(line.removeprefix("<- ")).get("error")
                if isinstance(error, dict):
                    self.errors.add(re.sub(r"'[^']*'", "'…'", str(error.get("desc"))))

    def _add_command(self, command: str, arguments: dict[str, object], states: dict[str, str]) -> None:
        verb = _VERB_COMMAND.fullmatch(command)
        job_id = arguments.get("id", arguments.get("device"))
        if verb is not None and verb["verb"] in VERBS and isinstance(job_id, str):
            self.cells.add((states.get(job_id, "null"), verb["verb"]))

    def _add_event(self, name: str, data: dict[str, object], states: dict[str, str]) -> None:
        self.events.add(name)
        if name == "JOB_STATUS_CHANGE":
            job_id, state = str(data["id"]), str(data["status"])
            self.transitions.add((states.pop(job_id, "undefined"), state))
            if state != "null":
                states[job_id] = state

    def unseen(self) -> list[str]:
        """One line for everything that could be seen and was not, by name."""
        lines = [
            f"transition {before} -> {after}"
            for before, after in sorted(TRANSITIONS - self.transitions - HIDDEN_TRANSITIONS.keys())
        ]
        lines += [
            f"verb {verb} in {state}"
            for state in (*STATES, "null")
            for verb in VERBS
            if state not in HIDDEN_STATES and (state, verb) not in self.cells
        ]
        return lines + [f"event {name}" for name in EVENTS if name not in self.events]

    def unlawful(self) -> list[str]:
        """One line for each transition that was seen and is none of the 20."""
        return [f"transition {before} -> {after}" for before, after in sorted(self.transitions - TRANSITIONS)]


def of_transcripts(transcripts: Iterable[str]) -> Coverage:
    """What all of these show together."""
    coverage = Coverage()
    for transcript in transcripts:
        coverage.add(transcript)
    return coverage


def _object(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
