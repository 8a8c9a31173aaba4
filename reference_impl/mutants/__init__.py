"""Bugs that mirrors had, put back one by one: the reference with one method overridden or one table cell flipped.

Each module is a family. `MUTANTS` has them all by name; `SETS` names sets of them, such as the bugs of the series of
2018 as it was posted.
"""

from __future__ import annotations

from reference_impl.mutants import (
    active_writes,
    bitmaps,
    children,
    conflicts,
    copying,
    life,
    modes,
    speed,
    starting,
    surroundings,
)
from reference_impl.mutants.planting import MUTANTS, Mutant, assemble
from reference_impl.parts import Parts

FAMILIES = (conflicts, copying, active_writes, life, speed, starting, bitmaps, surroundings, modes, children)

SETS: dict[str, tuple[str, ...]] = {
    "v4": (
        "area-of-2018",
        "unaligned-active-write-cleans-chunk",
        "reset-rounds-outward",
        "op-waits-for-itself",
        "size-mismatch-accepted",
        "replaces-not-checked",
        "filter-restarted-without-permission",
        "drain-returns-before-job-paused",
        "complete-refused-on-standby",
        "intersecting-active-writes-deadlock",
        "second-ready-after-error",
        "soft-cancel-counts-as-cancelled",
        "force-cancel-vs-failing-flush",
        "active-copy-after-force-cancel",
        "active-writes-starve-background",
        "job-pointer-null-in-write",
        "source-equals-target",
        "job-pointer-published-too-early",
        "replaces-not-checked-at-the-end",
        "failed-start-leaves-bitmap",
        "backing-opened-at-complete",
        "backing-installed-on-abort",
        "quit-completes-ready-mirror",
        "filter-shares-everything",
        "commit-base-left-writable",
        "only-direct-children-are-spared",
    ),
}
"""Sets of mutants. ``v4`` is the fourth and last form in which the series of 2018 was posted: every bug of it that was
found later and that the reference can have (BF-02 to BF-31)."""


def combined(names: tuple[str, ...]) -> Parts:
    """The reference with all these bugs."""
    return assemble(MUTANTS[name] for name in names)


__all__ = ["FAMILIES", "MUTANTS", "SETS", "Mutant", "assemble", "combined"]
