"""Held storage: memory that plays a disk and lets the harness decide the fate of every request.

An implementation under test makes requests of it, in process or over NBD. Each request is recorded, and a rule
decides: complete now (the default), hold until a case releases it, fail with an errno, or never answer. Held requests
are released in whatever order the case chooses.

**Data moves at completion, not at submission.** A write changes the memory when it is completed, a read samples it
then, and a failed request changes nothing. A real disk may apply a write at any time between the two; whoever writes a
test wants to decide when, and with this rule the order of release *is* the order in which requests reach the medium.

Reading past the end gives EINVAL, writing past it ENOSPC, as the NBD protocol asks ("Error values"); such requests
fail at once, whatever the rules say.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Iterator
from errno import EINVAL, EIO, ENOSPC, errorcode

from harness.errors import CaseError, HarnessBug
from harness.pages import Extent, Snapshot, SparseMemory, check_range
from harness.units import format_bytes
from harness.write_back import CrashState, WriteBackCache


class Operation(enum.StrEnum):
    """What a request asks of a disk."""

    READ = "read"
    WRITE = "write"
    ZERO = "zero"
    DISCARD = "discard"
    FLUSH = "flush"


#: Those that change data.
CHANGING = frozenset({Operation.WRITE, Operation.ZERO, Operation.DISCARD})


class RequestState(enum.StrEnum):
    """How far a request is; ``arrived`` is seen only by on_submit observers, of requests that no rule has stopped."""

    ARRIVED = "arrived"
    HELD = "held"
    COMPLETED = "completed"
    FAILED = "failed"
    NEVER = "never"


# Looking a member up in an enum class costs more than completing a read; requests come by the million.
_READ, _WRITE, _ZERO, _DISCARD, _FLUSH = Operation
_ARRIVED, _HELD, _COMPLETED, _FAILED, _NEVER = RequestState

Callback = Callable[["StorageRequest"], None]

Interceptor = Callable[["StorageRequest"], "int | None"]
"""Decides a request before any rule does: an errno to fail it with, 0 to hold it, None to leave it to the rules."""


class StorageRequest:
    """One request, from its arrival on; the record keeps it after its completion.

    :ivar index: position in the order of arrival on this disk, 0-based.
    :ivar storage: the disk it was made of.
    :ivar offset: bytes; 0 for a flush.
    :ivar length: bytes; 0 for a flush.
    :ivar data: what a write carries, else None.
    :ivar fua: whether the data must be durable when the request completes.
    :ivar may_unmap: whether zeroes may become a hole.
    :ivar errno: 0, or the errno it failed with.
    :ivar result: what a completed read returned, else None.
    """

    __slots__ = (
        "_on_complete",
        "data",
        "errno",
        "fua",
        "index",
        "length",
        "may_unmap",
        "offset",
        "operation",
        "result",
        "state",
        "storage",
    )

    def __init__(
        self,
        storage: HeldStorage,
        index: int,
        operation: Operation,
        offset: int,
        length: int,
        data: bytes | None,
        fua: bool,
        may_unmap: bool,
        on_complete: Callback,
    ) -> None:
        self.storage = storage
        self.index = index
        self.operation = operation
        self.offset = offset
        self.length = length
        self.data = data
        self.fua = fua
        self.may_unmap = may_unmap
        self.state = _ARRIVED
        self.errno = 0
        self.result: bytes | None = None
        self._on_complete: Callback | None = on_complete

    def release(self, errno: int = 0) -> None:
        """Complete this held request, or make it fail.

        :param errno: 0 to complete it; else it fails with this and changes no data.
        :raise CaseError: when the request is not held.
        """
        if self.storage._held.pop(self.index, None) is None:
            raise CaseError(
                f"{self.describe()} (request {self.index} of {self.storage.name}) is {self.state}, not held"
            )
        self.storage._finish(self, errno)

    def apply_to(self, memory: SparseMemory) -> None:
        """Do to memory what this write, zero or discard asks for; reads and flushes ask for nothing."""
        operation = self.operation
        if operation is _WRITE:
            assert self.data is not None
            memory.write(self.offset, self.data)
        elif operation is _ZERO:
            memory.zero(self.offset, self.length, unmap=self.may_unmap)
        elif operation is _DISCARD:
            memory.zero(self.offset, self.length, unmap=True)

    def describe(self) -> str:
        """The request as transcripts show it: ``write 1M+64k``, ``flush``."""
        if self.operation is _FLUSH:
            return "flush"
        if self.offset < 0 or self.length < 0:
            return f"{self.operation} {self.offset}+{self.length}"
        return f"{self.operation} {format_bytes(self.offset)}+{format_bytes(self.length)}"

    def __repr__(self) -> str:
        failure = f" {errorcode.get(self.errno, self.errno)}" if self.errno else ""
        return f"<{self.storage.name}[{self.index}] {self.describe()}: {self.state}{failure}>"


class Rule:
    """What happens to the requests that match; made by HeldStorage.hold(), fail() and never().

    :ivar taken: the requests that this rule decided, in order of arrival.
    :ivar remaining: how many more it takes; None is without end.
    """

    __slots__ = ("_end", "_operations", "_outcome", "_start", "_storage", "errno", "remaining", "taken")

    def __init__(
        self,
        storage: HeldStorage,
        outcome: RequestState,
        errno: int,
        operations: Operation | Collection[Operation] | None,
        offset: int | None,
        length: int | None,
        count: int | None,
    ) -> None:
        if count is not None and count < 1:
            raise CaseError(f"count {count} is less than 1: such a rule would match nothing")
        if offset is not None and offset < 0:
            raise CaseError(f"offset {offset} is negative")
        if length is not None and length < 1:
            raise CaseError(f"length {length} is less than 1: such a range overlaps nothing")
        wanted = [operations] if isinstance(operations, str) else operations
        if wanted is not None:
            for name in wanted:
                if name not in tuple(Operation):
                    raise CaseError(f"operation {name!r} is none of {', '.join(Operation)}")
        self._storage = storage
        self._outcome = outcome
        self.errno = errno
        self._operations = None if wanted is None else frozenset(wanted)
        # No range at all matches everything, flushes too; half a range is open at its other end.
        self._start = (offset or 0) if offset is not None or length is not None else None
        self._end = None if length is None else (offset or 0) + length
        self.remaining = count
        self.taken: list[StorageRequest] = []

    def remove(self) -> None:
        """Stop matching; what was held stays held. Harmless when the rule is spent or removed already."""
        if self in self._storage._rules:
            self._storage._rules.remove(self)

    def _takes(self, request: StorageRequest) -> bool:
        if self._operations is not None and request.operation not in self._operations:
            return False
        if self._start is not None:
            if request.offset + request.length <= self._start or not request.length:
                return False
            if self._end is not None and request.offset >= self._end:
                return False
        self.taken.append(request)
        if self.remaining is not None:
            self.remaining -= 1
            if not self.remaining:
                self._storage._rules.remove(self)
        return True


class HeldStorage:
    """A disk in memory whose every request the harness can hold, order, fail or swallow.

    Memory grows with what is written, not with the size: 1 TiB costs nothing. submit() of a request that no rule
    stops calls ``on_complete`` before it returns; callers that cannot bear that defer by themselves.

    :ivar name: what transcripts call this disk.
    :ivar requests: the record, in order of arrival; see limit_record().
    :ivar on_submit: called with each request after the rules decided and before it completes.
    :ivar on_finish: called with each request when it completed or failed, before its submitter hears of it.
    :ivar memory: the contents; for reading.
    :ivar intercept: decides requests before the rules; None leaves all to them. For whoever injects faults behind a
        case's back.
    """

    def __init__(self, name: str, size: int, *, write_back: bool = False) -> None:
        """Make a disk of holes.

        :param size: bytes, at least 0.
        :param write_back: whether completed writes stay volatile until they are flushed; see crash_states().
        :raise ValueError: when the size is negative.
        """
        if size < 0:
            raise ValueError(f"size {size} of disk {name} is negative")
        self.name = name
        self.memory = SparseMemory(size)
        self.requests: list[StorageRequest] = []
        self.on_submit: list[Callback] = []
        self.on_finish: list[Callback] = []
        self.intercept: Interceptor | None = None
        self._record_limit: int | None = None
        self._arrived = 0
        self._rules: list[Rule] = []
        self._held: dict[int, StorageRequest] = {}
        self._cache = WriteBackCache(self.memory) if write_back else None

    def __repr__(self) -> str:
        return f"<disk {self.name}, {format_bytes(self.size)}, {self._arrived} requests, {len(self._held)} held>"

    # Requests

    @property
    def size(self) -> int:
        """Bytes."""
        return self.memory.size

    @property
    def request_count(self) -> int:
        """How many requests have arrived, recorded or not."""
        return self._arrived

    def limit_record(self, count: int | None) -> None:
        """Bound the record, for long runs.

        :param count: None records everything, 0 nothing; else the record keeps at least the last ``count`` requests
            and never more than twice as many.
        """
        if count is not None and count < 0:
            raise ValueError(f"record limit {count} is negative")
        self._record_limit = count
        if count is not None and len(self.requests) > count:
            del self.requests[: len(self.requests) - count]

    def submit(
        self,
        operation: Operation,
        offset: int,
        length: int,
        data: bytes | None = None,
        *,
        fua: bool = False,
        may_unmap: bool = False,
        on_complete: Callback,
    ) -> StorageRequest:
        """Make a request of this disk.

        :param offset: bytes; a flush takes 0.
        :param length: bytes; a flush takes 0.
        :param data: exactly ``length`` bytes for a write, None for all others.
        :param on_complete: called once, when the request completed or failed; perhaps before submit() returns.
        :raise HarnessBug: when the data does not fit the operation.
        """
        if (data is None) == (operation is _WRITE) or (data is not None and len(data) != length):
            carried = "no data" if data is None else f"{len(data)} bytes of data"
            raise HarnessBug(f"{operation} of {length} bytes at {offset} comes with {carried}")
        index = self._arrived
        self._arrived = index + 1
        request = StorageRequest(self, index, operation, offset, length, data, fua, may_unmap, on_complete)
        limit = self._record_limit
        if limit is None:
            self.requests.append(request)
        elif limit:
            self.requests.append(request)
            if len(self.requests) > 2 * limit:
                del self.requests[:-limit]

        error = 0
        if offset < 0 or length < 0 or offset + length > self.memory.size:
            error = _out_of_range(request)
        elif self.intercept is not None and (decided := self.intercept(request)) is not None:
            error = decided
            if not decided:
                request.state = _HELD
                self._held[index] = request
        elif self._rules:
            # Newest first: a case narrows what an earlier line of it asked for.
            for rule in reversed(self._rules):
                if rule._takes(request):
                    error = rule.errno
                    if rule._outcome is not _FAILED:
                        request.state = rule._outcome
                        if rule._outcome is _HELD:
                            self._held[index] = request
                    break
        if self._cache is not None:
            self._cache.request_submitted(request)
        if self.on_submit:
            for observe in tuple(self.on_submit):
                observe(request)
        if request.state is _ARRIVED:
            self._finish(request, error)
        return request

    @property
    def held(self) -> list[StorageRequest]:
        """The requests that wait for release, in order of arrival."""
        return list(self._held.values())

    def release_all(self) -> list[StorageRequest]:
        """Complete what is held now, in order of arrival; what those completions bring on stays as its rules say.

        :return: the requests released.
        """
        released = []
        for request in self.held:
            # The completion of one may have led its submitter's code to release another.
            if request.index in self._held:
                request.release()
                released.append(request)
        return released

    # Rules

    def hold(
        self,
        operation: Operation | Collection[Operation] | None = None,
        *,
        offset: int | None = None,
        length: int | None = None,
        count: int | None = None,
    ) -> Rule:
        """Hold matching requests. The newest rule that matches decides.

        :param operation: one or several; None is any.
        :param offset: a request matches when it overlaps the range; with no length, the range has no end.
        :param length: bytes, at least 1; with no offset, the range starts at 0.
        :param count: how many requests the rule takes before it is spent; None is until it is removed.
        :raise CaseError: when the rule could never match.
        """
        return self._add(Rule(self, _HELD, 0, operation, offset, length, count))

    def fail(
        self,
        operation: Operation | Collection[Operation] | None = None,
        errno: int = EIO,
        *,
        offset: int | None = None,
        length: int | None = None,
        count: int | None = 1,
    ) -> Rule:
        """Fail matching requests with an errno: one request unless told otherwise; parameters as for hold()."""
        if errno <= 0:
            raise CaseError(f"errno {errno} is not positive")
        return self._add(Rule(self, _FAILED, errno, operation, offset, length, count))

    def never(
        self,
        operation: Operation | Collection[Operation] | None = None,
        *,
        offset: int | None = None,
        length: int | None = None,
        count: int | None = None,
    ) -> Rule:
        """Never answer matching requests, as a disk that has gone away; parameters as for hold()."""
        return self._add(Rule(self, _NEVER, 0, operation, offset, length, count))

    def clear_rules(self) -> None:
        """Remove all rules: what comes from now on completes at once. What is held stays held."""
        self._rules.clear()

    # Contents, outside of any request

    def fill(self, value: int, offset: int = 0, length: int | None = None) -> None:
        """Set every byte of a range to one value, without a request.

        :param value: 0 to 255.
        :param length: bytes; None is to the end.
        :raise ValueError: when the range does not lie within the disk, or the value in a byte.
        """
        if length is None:
            length = self.memory.size - offset
        check_range(self.memory.size, offset, length)
        if not 0 <= value <= 255:
            raise ValueError(f"fill value {value} is not a byte")
        self.memory.fill(value, offset, length)
        self._contents_replaced()

    def write_bytes(self, offset: int, data: bytes) -> None:
        """Put bytes at an offset, without a request.

        :raise ValueError: when they do not lie within the disk.
        """
        check_range(self.memory.size, offset, len(data))
        self.memory.write(offset, data)
        self._contents_replaced()

    def read_bytes(self, offset: int, length: int) -> bytes:
        """The bytes of a range, without a request.

        :raise ValueError: when it does not lie within the disk.
        """
        check_range(self.memory.size, offset, length)
        return self.memory.read(offset, length)

    def snapshot(self) -> Snapshot:
        """The contents as they are; shares all pages."""
        return Snapshot(self.memory)

    def restore(self, snapshot: Snapshot) -> None:
        """Take contents and size of a snapshot, this disk's or another's. Requests and rules stay as they are."""
        self.memory = snapshot.memory.copy()
        self._contents_replaced()

    def resize(self, size: int) -> None:
        """Cut off the end, or add a hole there.

        :param size: bytes, at least 0.
        :raise ValueError: when it is negative.
        """
        if size < 0:
            raise ValueError(f"size {size} of disk {self.name} is negative")
        self.memory.resize(size)
        self._contents_replaced()

    def sha256(self) -> str:
        """The SHA-256 of the contents, as a file of them would have; time grows with the size."""
        return self.memory.sha256()

    def first_difference(self, other: HeldStorage | Snapshot) -> int | None:
        """The offset of the first byte that differs; the shorter size when that is all that differs; None if equal.

        Time grows with what is allocated, not with the size.
        """
        return self.memory.first_difference(other.memory)

    def extents(self, offset: int, length: int, limit: int | None = None) -> list[Extent]:
        """The block status of a range, in page steps: holes, allocated zeroes, data; adjacent equals are merged.

        :param limit: stop after this many extents; None is all of them.
        :raise ValueError: when the range does not lie within the disk.
        """
        check_range(self.memory.size, offset, length)
        return self.memory.extents(offset, length, limit)

    # Durability

    @property
    def has_write_back_cache(self) -> bool:
        """Whether completed writes stay volatile until they are flushed."""
        return self._cache is not None

    @property
    def unflushed(self) -> list[StorageRequest]:
        """The completed changes that a power cut may still take, in order of completion.

        :raise CaseError: when the disk has no write-back cache.
        """
        return self._write_back_cache().unflushed

    def crash_states(self, max_dropped: int = 2) -> Iterator[CrashState]:
        """What a power cut now may leave: the loss of each subset of at most ``max_dropped`` changes, and of all.

        :raise CaseError: when the disk has no write-back cache.
        """
        return self._write_back_cache().crash_states(max_dropped)

    # Details

    def _write_back_cache(self) -> WriteBackCache:
        if self._cache is None:
            raise CaseError(f"disk {self.name} has no write-back cache: make it with write_back=True")
        return self._cache

    def _add(self, rule: Rule) -> Rule:
        self._rules.append(rule)
        return rule

    def _finish(self, request: StorageRequest, errno: int) -> None:
        """Complete or fail a request, move its data, and tell everybody."""
        # Again, because the disk may have shrunk while the request was held.
        if not errno and request.offset + request.length > self.memory.size:
            errno = _out_of_range(request)
        if errno:
            request.errno = errno
            request.state = _FAILED
        else:
            if request.operation is _READ:
                request.result = self.memory.read(request.offset, request.length)
            else:
                request.apply_to(self.memory)
            request.state = _COMPLETED
        if self._cache is not None:
            self._cache.request_finished(request)
        if self.on_finish:
            for observe in tuple(self.on_finish):
                observe(request)
        on_complete = request._on_complete
        request._on_complete = None
        assert on_complete is not None
        on_complete(request)

    def _contents_replaced(self) -> None:
        """The harness itself changed the contents: it is no part of what a power cut can take."""
        if self._cache is not None:
            self._cache.reset(self.memory)


def _out_of_range(request: StorageRequest) -> int:
    return ENOSPC if request.operation in (_WRITE, _ZERO) else EINVAL
