"""Equivalent schedules: those that differ only in the order of neighbouring steps that are independent.

The name of a class is the hash of its Foata form: each step gets the level after the highest of the earlier steps that
it depends on, and the set of (level, label) is the same for all schedules of a class.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.explore.decision import Decision


def class_of(trace: Sequence[Decision]) -> int:
    """Name the class of a schedule."""
    barrier = 0  # the highest level so far of a step that depends on everything
    highest = 0
    ranges: list[tuple[str, int, int, int]] = []  # pair, start, end, level; since the barrier
    form = []
    for decision in trace:
        footprint = decision.footprint
        if footprint is None:
            highest += 1
            barrier = level = highest
            ranges.clear()
        else:
            level = barrier
            pair, start, end = footprint
            for other_pair, other_start, other_end, other_level in ranges:
                if other_level > level and other_pair == pair and other_start < end and start < other_end:
                    level = other_level
            level += 1
            ranges.append((pair, start, end, level))
            highest = max(highest, level)
        form.append((level, decision.label))
    form.sort()
    return hash(tuple(form))
