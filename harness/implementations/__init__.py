"""The kinds of implementations that can be tested, by the name with which a spec begins."""

from __future__ import annotations

from harness.errors import UsageError
from harness.implementations.base import Implementation, Probe, Session
from harness.implementations.kinds import KINDS, Kind

__all__ = ["Implementation", "Kind", "Probe", "Session", "kinds", "parse"]


def kinds() -> list[Kind]:
    """All kinds, the default one first."""
    return list(KINDS.values())


def parse(spec: str) -> Implementation:
    """Make an implementation of a spec, ``KIND`` or ``KIND:DETAIL``. Nothing is started.

    :raise UsageError: when there is no such kind, or the kind takes no detail, or not this one.
    """
    name, _, detail = spec.partition(":")
    kind = KINDS.get(name)
    if kind is None:
        known = ", ".join(kind.usage for kind in KINDS.values())
        raise UsageError(f"unknown implementation '{spec}': known are {known}")
    return kind.make(spec, detail)
