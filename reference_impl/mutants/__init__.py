"""Bugs that mirrors had, put back one by one: the reference with one method overridden or one table cell flipped.

Each module is a family. `MUTANTS` has them all by name; `SETS` names sets of them, such as the bugs of the series of
2018 as it was posted.
"""

from __future__ import annotations

from reference_impl.mutants import conflicts
from reference_impl.mutants.planting import MUTANTS, Mutant, assemble
from reference_impl.parts import Parts

FAMILIES = (conflicts,)

SETS: dict[str, tuple[str, ...]] = {}


def combined(names: tuple[str, ...]) -> Parts:
    """The reference with all these bugs."""
    return assemble(MUTANTS[name] for name in names)


__all__ = ["FAMILIES", "MUTANTS", "SETS", "Mutant", "assemble", "combined"]
