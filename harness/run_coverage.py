"""What the transcripts of a run show of a job's life, as the lines that the page makes its matrix of."""

from __future__ import annotations

from collections.abc import Sequence

from harness import coverage
from harness.coverage import Coverage as Seen
from harness.records import Record
from harness.stored_runs import Coverage


def of_records(records: Sequence[Record]) -> list[Coverage]:
    """Return a line for each case and dimension, of the first implementation that shows the case anything.

    What nobody can see from outside is not listed as missing. A run without any job has no lines.
    """
    seen: dict[str, tuple[str, Seen]] = {}
    for record in records:
        if record.case not in seen:
            found = Seen()
            try:
                found.add(record.run.transcript)
            except (KeyError, ValueError):  # an event without its members: what was seen before it counts
                pass
            if found.transitions or found.cells or found.events:
                seen[record.case] = (record.implementation, found)
    lines = [
        Coverage(case=case, implementation=implementation, dimension=dimension, reached=sorted(reached))
        for case, (implementation, found) in seen.items()
        for dimension, reached in _dimensions(found).items()
    ]
    everything = {
        "transitions": coverage.TRANSITIONS - coverage.HIDDEN_TRANSITIONS.keys(),
        "verbs in states": {
            (state, verb)
            for state in (*coverage.STATES, "null")
            for verb in coverage.VERBS
            if state not in coverage.HIDDEN_STATES
        },
    }
    if not lines:
        return []
    known = {name: sorted(f"{one} {other}" for one, other in pairs) for name, pairs in everything.items()}
    known["events"] = sorted(coverage.EVENTS)
    return [Coverage(case="", implementation="", dimension=name, known=names) for name, names in known.items()] + lines


def _dimensions(found: Seen) -> dict[str, set[str]]:
    return {
        "transitions": {f"{before} {after}" for before, after in found.transitions},
        "verbs in states": {f"{state} {verb}" for state, verb in found.cells},
        "events": found.events,
    }
