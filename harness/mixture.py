"""Whether a transcript is one or the other of two at each place where they differ, for faults that depend on speed."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher


def is_mixture(lines: Sequence[str], one: Sequence[str], other: Sequence[str]) -> bool:
    """Say whether the lines are those that both have, and between them what the one has or what the other has."""
    reached = {0}
    for tag, begin, end, other_begin, other_end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        choices = [one[begin:end]] if tag == "equal" else [one[begin:end], other[other_begin:other_end]]
        reached = {
            position + len(choice)
            for position in reached
            for choice in choices
            if list(lines[position : position + len(choice)]) == list(choice)
        }
    return len(lines) in reached
