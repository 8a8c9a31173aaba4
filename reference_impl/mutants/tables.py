"""The two tables of the job state machine with one cell flipped: each of them must be noticed.

They are made of the tables and not written down: what is allowed is forbidden, and what is forbidden is allowed, one
cell at a time. The names say which: ``transition-running-ready``, ``verb-complete-standby``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from reference_impl.job_states import TRANSITIONS, VERBS, JobState, JobVerb
from reference_impl.mirror import MirrorJob
from reference_impl.mutants.planting import Mutant

Key = TypeVar("Key", JobState, JobVerb)

ROWS = ("QV-1", "QV-2", "QV-3", "QV-4", "QV-5", "QV-6", "QV-7", "QV-8")
NEVER = "never released: one cell of a table"


def cells() -> dict[str, Mutant]:
    """Every cell flipped, by name, the transitions first."""
    found: dict[str, Mutant] = {}
    for state, following, transitions in _flipped(TRANSITIONS):
        allowed = following in TRANSITIONS[state]
        _add(found, f"transition-{state}-{following}", f"{state} becomes {following}", allowed, transitions=transitions)
    for verb, state, verbs in _flipped(VERBS):
        _add(found, f"verb-{verb}-{state}", f"{verb} of a job that is {state}", state in VERBS[verb], verbs=verbs)
    return found


def _add(found: dict[str, Mutant], name: str, what: str, allowed: bool, **tables: object) -> None:
    description = f"{what}: {'forbidden' if allowed else 'allowed'}, and should not be."
    found[name] = Mutant(name, ROWS, NEVER, description, {"job": type("FlippedJob", (MirrorJob,), tables)})


def _flipped(
    table: Mapping[Key, frozenset[JobState]],
) -> Iterator[tuple[Key, JobState, dict[Key, frozenset[JobState]]]]:
    for key, states in table.items():
        for state in JobState:
            yield key, state, {**table, key: states ^ {state}}
