"""Ranges of the reference: whether two have anything in common."""

from __future__ import annotations

from itertools import combinations_with_replacement, product

from reference_impl.ranges import overlap


def test_ranges_overlap_when_something_is_in_both() -> None:
    every = list(combinations_with_replacement(range(6), 2))  # empty ones too
    for one, other in product(every, every):
        in_both = set(range(*one)) & set(range(*other))
        assert overlap(one, other) == bool(in_both), (one, other)
