"""The kinds of implementations that can be tested, by the name with which a spec begins.

Those that come with the suite are in `kinds`. Another installed package can offer one more: an entry point in the group
``mirrorcheck.implementations`` that loads a `Kind` (docs/implementations.md).
"""

from __future__ import annotations

from harness.errors import UsageError
from harness.implementations.base import Implementation, Probe, Session
from harness.implementations.kinds import KINDS, Kind

__all__ = ["PLUGIN_GROUP", "Implementation", "Kind", "Probe", "Session", "kinds", "parse"]

PLUGIN_GROUP = "mirrorcheck.implementations"
"""The group of entry points in which packages offer kinds of their own."""


def kinds() -> list[Kind]:
    """All kinds, the default one first and those of other packages last.

    :raise UsageError: when a package offers something that is no kind, or one whose name is taken.
    """
    return [*KINDS.values(), *_plugged_in().values()]


def parse(spec: str) -> Implementation:
    """Make an implementation of a spec, ``KIND`` or ``KIND:DETAIL``. Nothing is started.

    :raise UsageError: when there is no such kind, or the kind takes no detail, or not this one.
    """
    name, _, detail = spec.partition(":")
    # Other packages are asked only when nobody here knows the name: that takes longer than all the rest.
    kind = KINDS.get(name) or _plugged_in().get(name)
    if kind is None:
        known = ", ".join(kind.usage for kind in kinds())
        raise UsageError(f"unknown implementation '{spec}': known are {known}")
    return kind.make(spec, detail)


def _plugged_in() -> dict[str, Kind]:
    import importlib.metadata  # takes longer to import than all the rest, and is seldom wanted

    found: dict[str, Kind] = {}
    for entry in importlib.metadata.entry_points(group=PLUGIN_GROUP):
        try:
            kind = entry.load()
        except Exception as error:  # whatever somebody else's package raises while it is imported
            raise UsageError(f"entry point '{entry.name}' of {PLUGIN_GROUP} cannot be loaded: {error}") from error
        if not isinstance(kind, Kind):
            raise UsageError(f"entry point '{entry.name}' of {PLUGIN_GROUP} is a {type(kind).__name__}, not a Kind")
        if kind.name in KINDS or kind.name in found:
            raise UsageError(f"entry point '{entry.name}' of {PLUGIN_GROUP}: there is a kind '{kind.name}' already")
        found[kind.name] = kind
    return found
