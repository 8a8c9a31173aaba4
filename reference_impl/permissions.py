"""What the users of a node may do to it, and what each of them lets the others do.

Every edge of the graph carries two masks: the permissions that its parent needs, and those that it *shares*, that is,
grants to all other users of the node. Two users conflict when one needs what the other does not share. A node needs of
its children what its own users need of it, as its driver translates that; so one new edge can be refused because of a
user far below.

Masks are plain integers: the graph asks often, and everything here is one ``&`` or ``|``.

Source: rows UG-1 and UG-3 to UG-5; the masks and the wording of conflicts are those that QEMU 7.2 and 11.1 show in
`x-debug-query-block-graph` and in their errors.
"""

from __future__ import annotations

from typing import NamedTuple

CONSISTENT_READ = 1
WRITE = 2
WRITE_UNCHANGED = 4
"""Write what is there already: the guest cannot tell, other readers can."""
RESIZE = 8

NONE = 0
ALL = CONSISTENT_READ | WRITE | WRITE_UNCHANGED | RESIZE

NAMES: dict[int, str] = {
    CONSISTENT_READ: "consistent read",
    WRITE: "write",
    WRITE_UNCHANGED: "write unchanged",
    RESIZE: "resize",
}
"""In the order in which messages list them."""


class Access(NamedTuple):
    """The two masks of an edge.

    :ivar needed: what the parent does to the node. :ivar shared: what it lets others do.
    """

    needed: int
    shared: int


NO_ACCESS = Access(NONE, ALL)
"""Of a user that only wants the node to stay."""

READER = Access(CONSISTENT_READ, CONSISTENT_READ | WRITE | WRITE_UNCHANGED)
"""An export that clients may only read."""

WRITER = Access(CONSISTENT_READ | WRITE, CONSISTENT_READ | WRITE | WRITE_UNCHANGED)
"""A guest, or an export that clients may write: others may too, but not change the size."""


def describe(permissions: int) -> str:
    """Name permissions as messages do: ``consistent read, write``."""
    return ", ".join(name for permission, name in NAMES.items() if permissions & permission)


def list_names(permissions: int) -> list[str]:
    """Name permissions as QMP does: ``["consistent-read", "write"]``."""
    return [name.replace(" ", "-") for permission, name in NAMES.items() if permissions & permission]


def parse_names(names: list[str]) -> int:
    """The mask of permissions that are named as QMP does."""
    return sum(permission for permission, name in NAMES.items() if name.replace(" ", "-") in names)


# How a driver translates what is needed of a node into what the node needs of a child


def of_filter(users: Access) -> Access:
    """A filter passes on what its users need and share."""
    return users


def of_image_file(users: Access, *, writable: bool) -> Access:
    """An image format needs its file for its own metadata too, whatever its users need, and for itself alone."""
    needed = users.needed | CONSISTENT_READ
    if writable:
        needed |= WRITE | RESIZE
    return Access(needed, users.shared & ~(WRITE | RESIZE))


def of_backing(users: Access) -> Access:
    """An overlay only reads its backing file, and does not mind who writes that if its own users mind no writes."""
    shared = CONSISTENT_READ | WRITE_UNCHANGED
    if users.shared & WRITE:
        shared |= WRITE | RESIZE
    return Access(users.needed & CONSISTENT_READ, shared)
