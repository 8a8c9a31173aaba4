"""Other choices that a mirror could have made, and that are no bugs: the reference with a part exchanged."""

from __future__ import annotations

from dataclasses import dataclass

from reference_impl.mirror_children import BothChildrenFilter
from reference_impl.parts import Parts


@dataclass(frozen=True, slots=True)
class Variant:
    """One choice.

    :ivar rows: row ids of the facts. :ivar summary: what is different, in a line.
    """

    rows: tuple[str, ...]
    summary: str
    parts: Parts


VARIANTS: dict[str, Variant] = {
    "both-children": Variant(
        ("TD-2", "TD-3", "GAP-13"),
        "both disks are children of the mirror's filter, the source as 'file' and the target as 'target'",
        Parts(filter=BothChildrenFilter),
    ),
}
"""Each by its name, as in ``reference:NAME``."""
