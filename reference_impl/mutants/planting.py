"""How a known bug is put back: classes that override one method of the reference, under one name.

A *mutant* is one or more classes, each derived from the class of the reference whose part it takes, marked with
`plant`. The docstring says what was wrong and what came of it; `plant` says in which rows of the facts the bug is
written down, and when and by which commit it was fixed. Several mutants can be combined, as `reference:v4` does: the
classes that take the same part are inherited from together.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from reference_impl.backend import Backend
from reference_impl.commit import CommitJob
from reference_impl.dirty_bitmap import DirtyBitmap
from reference_impl.errors import ModelError
from reference_impl.graph import Graph
from reference_impl.hbitmap import HBitmap
from reference_impl.job_commands import JobCommands
from reference_impl.mirror import MirrorJob
from reference_impl.mirror_commands import MirrorCommands
from reference_impl.mirror_filter import MirrorFilter
from reference_impl.mirror_operations import MirrorOperations
from reference_impl.parts import Parts
from reference_impl.rate_limit import RateLimit
from reference_impl.storage_node import StorageNode

PARTS: dict[str, type] = {
    "commit_job": CommitJob,
    "job": MirrorJob,
    "operations": MirrorOperations,
    "rate_limit": RateLimit,
    "filter": MirrorFilter,
    "bitmap": DirtyBitmap,
    "hbitmap": HBitmap,
    "graph": Graph,
    "backend": Backend,
    "storage_node": StorageNode,
    "mirror_commands": MirrorCommands,
    "job_commands": JobCommands,
}
"""Each part that a mutant's class can take, by the class of the reference that plays it; of two, the closer one."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One bug put back.

    :ivar name: as in ``reference:NAME``. :ivar rows: row ids of the facts, such as ``A10``.
    :ivar fixed: month, commit and release of the fix; ``open`` when there is none.
    :ivar effect: the first line of the docstring, whose last words say what came of it.
    :ivar classes: by the part that each takes.
    """

    name: str
    rows: tuple[str, ...]
    fixed: str
    description: str
    classes: dict[str, type] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first line of its description."""
        return self.description.partition("\n")[0]

    @property
    def parts(self) -> Parts:
        """The reference with this bug."""
        return assemble([self])


MUTANTS: dict[str, Mutant] = {}
"""Every mutant by name, in the order of the modules."""

PartClass = TypeVar("PartClass", bound=type)


def plant(name: str, *, rows: str, fixed: str) -> Callable[[PartClass], PartClass]:
    """Mark a class as (one of) the classes of a mutant.

    :param rows: row ids, separated by blanks. :param fixed: month, commit and release.
    :raise ModelError: when the class takes no part, or one that the mutant has already.
    """

    def register(part_class: PartClass) -> PartClass:
        part = part_of(part_class)
        mutant = MUTANTS.get(name)
        if mutant is None:
            description = inspect.cleandoc(part_class.__doc__ or "")
            mutant = MUTANTS[name] = Mutant(name, tuple(rows.split()), fixed, description)
        if part in mutant.classes:
            raise ModelError(f"mutant '{name}' has two classes for the part '{part}'")
        mutant.classes[part] = part_class
        return part_class

    return register


def part_of(part_class: type) -> str:
    """The part that a class takes."""
    for part, right_class in PARTS.items():
        if issubclass(part_class, right_class):
            return part
    raise ModelError(f"class '{part_class.__name__}' takes no part of the reference")


def assemble(mutants: Iterable[Mutant]) -> Parts:
    """The reference with the bugs of all these mutants; where two override the same method, the first one counts."""
    classes: dict[str, list[type]] = {}
    for mutant in mutants:
        for part, part_class in mutant.classes.items():
            classes.setdefault(part, []).append(part_class)
    chosen: dict[str, Any] = {part: _united(part, found) for part, found in classes.items()}
    job: dict[str, Any] = {}
    if "operations" in chosen:
        job["operations_class"] = chosen.pop("operations")
    if "rate_limit" in chosen:
        job["rate_limit_class"] = chosen.pop("rate_limit")
    if job:
        chosen["job"] = type("MutatedJob", (chosen.get("job", MirrorJob),), job)
    if "hbitmap" in chosen:
        hbitmap = chosen["hbitmap"]
        bitmap_base = chosen.get("bitmap", DirtyBitmap)
        chosen["bitmap"] = type(
            "MutatedBitmap",
            (bitmap_base,),
            {"new_hbitmap": lambda self, size, granularity: hbitmap(size, granularity)},
        )
    if "bitmap" in chosen:
        filter_base = chosen.get("filter", MirrorFilter)
        chosen["filter"] = type("MutatedFilter", (filter_base,), {"bitmap_class": chosen["bitmap"]})
    return Parts(**chosen)


def _united(part: str, classes: list[type]) -> type:
    if len(classes) == 1:
        return classes[0]
    return type(f"Mutated_{part}", tuple(classes), {})
