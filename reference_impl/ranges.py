"""Ranges of bytes or granules: from the first one up to, and not including, the end."""

from __future__ import annotations

Range = tuple[int, int]


def overlap(one: Range, other: Range) -> bool:
    """Whether two ranges have anything in common; an empty one has nothing."""
    return max(one[0], other[0]) < min(one[1], other[1])
