"""A case's view of one disk: rules for its requests, held ones and their release, printed as they happen."""

from __future__ import annotations

import errno as errno_numbers
from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.errors import CaseError
from harness.storage import HeldStorage, Operation, Rule, StorageRequest
from harness.units import format_bytes

if TYPE_CHECKING:
    from harness.bench import Bench


class Disk:
    """A disk on the bench.

    :ivar storage: the memory that plays it.
    """

    def __init__(self, bench: Bench, storage: HeldStorage) -> None:
        self.storage = storage
        self._bench = bench

    @property
    def name(self) -> str:
        """The name of the disk and of the node over it."""
        return self.storage.name

    @property
    def size(self) -> int:
        """Bytes."""
        return self.storage.size

    def show_byte(self, offset: int) -> None:
        """Print a byte that it holds, whatever the implementation would say of it."""
        value = self.storage.read_bytes(offset, 1)[0]
        self._bench.say(f"{self.name} has 0x{value:02x} at {format_bytes(offset)}")

    # Rules

    def hold(
        self,
        operation: str | None = None,
        *,
        offset: int | None = None,
        length: int | None = None,
        count: int | None = None,
    ) -> Rule:
        """Hold requests from now on; see `HeldStorage.hold`.

        :raise CaseError: when there is no such operation, or the rule could never match.
        """
        kind = _operation(operation) if operation else None
        self._bench.say(f"{self.name} holds {_described(operation, offset, length, count)}")
        return self.storage.hold(kind, offset=offset, length=length, count=count)

    def fail(
        self,
        operation: str,
        error: str = "EIO",
        *,
        offset: int | None = None,
        length: int | None = None,
        count: int | None = 1,
    ) -> Rule:
        """Fail requests from now on, one unless told otherwise, with an errno by its name.

        :raise CaseError: when there is no such operation or errno.
        """
        kind, number = _operation(operation), errno_number(error)
        self._bench.say(f"{self.name} fails {_described(operation, offset, length, count)} with {error}")
        return self.storage.fail(kind, number, offset=offset, length=length, count=count)

    def let_go(self, rule: Rule) -> None:
        """End a rule; what it holds stays held."""
        rule.remove()
        self._bench.say(f"{self.name} ends a rule")

    def let_everything_pass(self) -> None:
        """End all rules, complete everything that is held, settle and print the events."""
        self.storage.clear_rules()
        self._bench.say(f"{self.name} lets everything pass")
        self.release_all()

    # Held requests

    def wait_held(self, count: int = 1) -> list[StorageRequest]:
        """Wait until at least `count` requests are held, settle, print and return them in order of their ranges."""
        storage = self.storage
        self._bench.wait(lambda: len(storage.held) >= count, f"{count} held requests of {self.name}")
        held = in_order_of_ranges(storage.held)
        for request in held:
            self._bench.say(f"{self.name} has {request.describe()} on hold")
        return held

    def release(self, request: StorageRequest, error: str | None = None) -> None:
        """Complete a held request, or make it fail with an errno by its name; then settle and print the events.

        :raise CaseError: when there is no such errno.
        """
        outcome = f"fails with {error}" if error else "completes"
        number = errno_number(error) if error else 0
        description = request.describe()
        request.release(number)
        self._bench.step(f"{self.name}: {description} {outcome}")

    def release_all(self) -> None:
        """Complete everything that is held, in order of ranges; then settle and print the events."""
        for request in in_order_of_ranges(self.storage.held):
            self._bench.say(f"{self.name}: {request.describe()} completes")
            request.release()
        self._bench.settle()


def errno_number(name: str) -> int:
    """The number of an errno.

    :raise CaseError: when there is none of that name.
    """
    number = getattr(errno_numbers, name, None)
    if not isinstance(number, int):
        raise CaseError(f"there is no errno '{name}'")
    return number


def in_order_of_ranges(requests: Sequence[StorageRequest]) -> list[StorageRequest]:
    """Requests by where they are: in which order they were sent at the same time is the program's own affair."""
    return sorted(requests, key=lambda request: (request.offset, request.length, request.operation))


def _operation(name: str) -> Operation:
    try:
        return Operation(name)
    except ValueError:
        known = ", ".join(operation.value for operation in Operation)
        raise CaseError(f"there is no operation {name!r} of a disk: there are {known}") from None


def _described(operation: str | None, offset: int | None, length: int | None, count: int | None) -> str:
    what = "requests" if operation is None else f"{operation} requests"
    if count is not None:
        what = f"{'one' if count == 1 else count} {what.removesuffix('s') if count == 1 else what}"
    if offset is None and length is None:
        return what
    end = "the end" if length is None else format_bytes((offset or 0) + length)
    return f"{what} in {format_bytes(offset or 0)} to {end}"
