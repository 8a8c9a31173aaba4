"""The operations that a mirror has under way, and who has to wait for whom.

Two operations must never work on the same granule at once: the one that reads older data could write it last. Before
an operation starts, it waits until its granules are free; then it *claims* them, and whoever comes later waits for it.

- A *background copy* waits for its first granule only, and then shortens itself so as not to touch a claimed one.
- An *active write* cannot be shortened: it waits until its whole range is free (151-4).
- An *asynchronous* active write waits only for guests' operations on the same bytes. It may claim what is being copied:
  then the copy ends first, and the target gets the write after it (``docs/modes.md``).
- A *pseudo operation* claims a run of granules while the copies that make it up are started one after the other.

Two active writes must not wait for each other. Both may have been woken by the same third operation and find the range
claimed again; so nobody waits for an operation that waits itself (A10, BF-13). That can never leave somebody with
nothing to wait for: an operation that waits has claimed nothing.

Source: facts open-points 6b (constants and rules); BF-05, BF-13, BF-14; GAP-10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reference_impl.errors import ModelError
from reference_impl.ranges import Range, overlap
from reference_impl.scheduler import Scheduler, WaitQueue

IN_FLIGHT_MAX = 16
"""How many background operations may be in flight at once. Active writes do not count."""


class MirrorOperation:
    """One operation on a range of the disk.

    :ivar offset, length: the range in bytes. :ivar active: a guest's write; :ivar pseudo, asynchronous: see the module.
    :ivar claim: the granules it has claimed as (first, behind the last), None while it has claimed none.
    :ivar started: whether it holds what it needs (buffers, a slot), so that waiting for it makes sense (BF-05); an
        active write needs neither.
    :ivar waits_for: the operation that this one waits for.
    """

    __slots__ = ("active", "asynchronous", "claim", "length", "offset", "pseudo", "started", "waiters", "waits_for")

    def __init__(self, scheduler: Scheduler, offset: int, length: int, *, active: bool, pseudo: bool) -> None:
        self.offset = offset
        self.length = length
        self.active = active
        self.pseudo = pseudo
        self.asynchronous = False
        self.started = active
        self.claim: Range | None = None
        self.waits_for: MirrorOperation | None = None
        self.waiters = WaitQueue(scheduler)

    @property
    def bytes(self) -> Range:
        """Its range as (offset, behind the last byte)."""
        return self.offset, self.offset + self.length

    def __str__(self) -> str:
        kind = "active write" if self.active else "run of copies" if self.pseudo else "copy"
        return f"{kind} {self.offset}+{self.length}"


class MirrorOperations:
    """All operations of one job, oldest first.

    :param granularity_bytes: the size of a granule.
    :param given_up: says whether the job has failed, in which case nobody waits for a range any more.
    """

    def __init__(self, scheduler: Scheduler, granularity_bytes: int, given_up: Callable[[], bool]) -> None:
        self._scheduler = scheduler
        self._granularity_bytes = granularity_bytes
        self._given_up = given_up
        self._operations: list[MirrorOperation] = []

    def __iter__(self) -> Iterator[MirrorOperation]:
        return iter(self._operations)

    def __len__(self) -> int:
        return len(self._operations)

    def add(self, offset: int, length: int, *, active: bool = False, pseudo: bool = False) -> MirrorOperation:
        """Enter a new operation; it has claimed nothing yet."""
        operation = MirrorOperation(self._scheduler, offset, length, active=active, pseudo=pseudo)
        self._operations.append(operation)
        return operation

    def remove(self, operation: MirrorOperation) -> None:
        """Take an operation out, with its claim, and wake everybody who waits for it."""
        self._operations.remove(operation)
        operation.claim = None
        operation.waiters.wake_all()

    def granules(self, offset: int, length: int) -> Range:
        """The granules that a range touches, as (first, behind the last)."""
        granularity = self._granularity_bytes
        return offset // granularity, -(-(offset + length) // granularity)

    def claim(self, operation: MirrorOperation) -> None:
        """Keep others from the granules of the operation's range."""
        operation.claim = self.granules(operation.offset, operation.length)

    def first_claimed(self, first: int, end: int) -> int:
        """The first claimed granule in [first, end), or `end`."""
        for operation in self._operations:
            claim = operation.claim
            if claim is not None and overlap(claim, (first, end)):
                end = max(claim[0], first)
        return end

    def is_claimed(self, first: int, end: int) -> bool:
        """Whether any granule in [first, end) is claimed."""
        return any(each.claim is not None and overlap(each.claim, (first, end)) for each in self._operations)

    async def wait_until_free(self, offset: int, length: int, waiter: MirrorOperation | None = None) -> None:
        """Wait until no granule of the range is claimed, or the job has failed.

        :param waiter: the operation that waits; None for a background copy that is none yet.
        """
        first, end = self.granules(offset, length)
        while self.is_claimed(first, end) and not self._given_up():
            blocker = self._blocker(first, end, waiter)
            if blocker is None:
                raise ModelError(f"granules {first}:{end} are claimed by nobody that could be waited for")
            if waiter is not None:
                waiter.waits_for = blocker
            await blocker.waiters.wait(f"{blocker} to end")
            if waiter is not None:
                waiter.waits_for = None

    async def wait_for_guests(self, operation: MirrorOperation) -> None:
        """Wait until no guest's operation that has claimed its range works on the same bytes, or the job has failed."""
        while not self._given_up():
            blocker = next(
                (
                    other
                    for other in self._operations
                    if other.active and other.claim is not None and overlap(other.bytes, operation.bytes)
                ),
                None,
            )
            if blocker is None:
                return
            operation.waits_for = blocker
            await blocker.waiters.wait(f"{blocker} to end")
            operation.waits_for = None

    async def wait_for_copies(self, operation: MirrorOperation) -> None:
        """Wait until no copy works on the granules of an operation that has claimed them; no other copy can come."""
        assert operation.claim is not None
        while copy := next((other for other in self._operations if self._is_copy_of(other, operation.claim)), None):
            await copy.waiters.wait(f"{copy} to end")

    @staticmethod
    def _is_copy_of(operation: MirrorOperation, granules: Range) -> bool:
        return not operation.active and operation.claim is not None and overlap(operation.claim, granules)

    def _blocker(self, first: int, end: int, waiter: MirrorOperation | None) -> MirrorOperation | None:
        for operation in self._operations:
            if operation is waiter:
                continue
            granules = self.granules(operation.offset, operation.length)
            if overlap(granules, (first, end)) and self.may_wait_for(operation, waiter):
                return operation
        return None

    def may_wait_for(self, operation: MirrorOperation, waiter: MirrorOperation | None) -> bool:
        """Whether waiting for `operation` cannot end in a circle.

        A background copy that is about to start is nobody's to wait for, so it may wait for anybody.
        """
        return waiter is None or operation.waits_for is None

    async def wait_for_any_background(self) -> None:
        """Wait until some background operation ends, and gives back its slot and buffers.

        Not for a pseudo operation, which waits for others to start, and not for an active write, which holds neither
        slot nor buffer and may never stop coming (BF-19).
        """
        for operation in self._operations:
            if operation.started and not operation.pseudo and not operation.active:
                await operation.waiters.wait(f"{operation} to end")
                return
        raise ModelError("nothing is in flight that could be waited for")

    async def wait_for_unstarted(self) -> bool:
        """Wait until a background operation ends that still waits for buffers; return whether there was one."""
        for operation in self._operations:
            if not (operation.started or operation.pseudo or operation.active):
                await operation.waiters.wait(f"{operation} to end")
                return True
        return False
