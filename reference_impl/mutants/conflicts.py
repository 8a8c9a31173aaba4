"""Bugs in who waits for whom: operations that wait for the wrong one, for each other, or for nobody."""

from __future__ import annotations

from reference_impl.mirror_operations import MirrorOperation, MirrorOperations
from reference_impl.mutants.planting import plant


@plant("intersecting-active-writes-deadlock", rows="A10 BF-13", fixed="2021-07, d44dae1a7c, 6.1")
class IntersectingActiveWritesDeadlock(MirrorOperations):
    """Two active writes wait for each other, and neither guest request ever ends.

    Both were woken by a third operation and found the range claimed by a fourth; nothing kept the one from choosing the
    other, which waits itself.
    """

    def may_wait_for(self, operation: MirrorOperation, waiter: MirrorOperation | None) -> bool:
        return True
