"""Equivalent schedules: those that differ only in the order of neighbouring steps that are independent.

The name of a class comes from its Foata form: each step gets the level after the highest of the earlier steps that it
depends on, and the bag of (level, label) is the same for all schedules of a class. It is kept as the sum of the hashes
of what is in it, to which a step is added without looking at those before it again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from harness.explore.decision import Decision

Form = tuple[int, int, Any, int]
"""A schedule's form so far: the highest level of a step that depends on everything, the highest level of all, the
ranges since the former as a chain of (pair, start, end, level, the rest of the chain), and the sum."""

NUMBER_BITS = 64


class _Numbers(dict[tuple[int, str], int]):
    """A number for each (level, label), drawn when it is first asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._random = random.Random(0)

    def __missing__(self, step: tuple[int, str]) -> int:
        number = self[step] = self._random.getrandbits(NUMBER_BITS)
        return number


_NUMBERS = _Numbers()

EMPTY_FORM: Form = (0, 0, None, 0)


def extended(form: Form, decision: Decision) -> Form:
    """The form of a schedule that goes on with one more step."""
    barrier, highest, ranges, total = form
    footprint = decision.footprint
    if footprint is None:
        highest += 1
        return highest, highest, None, total + _NUMBERS[highest, decision.label]
    level = barrier
    pair, start, end = footprint
    chain = ranges
    while chain is not None:
        other_pair, other_start, other_end, other_level, chain = chain
        if other_level > level and other_pair == pair and other_start < end and start < other_end:
            level = other_level
    level += 1
    return (
        barrier,
        level if level > highest else highest,
        (pair, start, end, level, ranges),
        total + _NUMBERS[level, decision.label],
    )


def class_of(trace: Sequence[Decision]) -> int:
    """Name the class of a schedule."""
    form = EMPTY_FORM
    for decision in trace:
        form = extended(form, decision)
    return form[-1]
