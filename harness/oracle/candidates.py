"""What a range of a disk may hold: the contents it began with, and what guests wrote since.

Every change that a guest asks for is a *candidate*. From its submission on it may be on a disk; it stops being lawful
there once a later change, submitted after this one was answered, is acknowledged. A change that failed stays a
candidate, since nobody promised that it did nothing, and supersedes nothing.
"""

from __future__ import annotations

from harness.pages import Snapshot
from harness.storage import Operation
from harness.units import format_bytes


class Candidate:
    """One change, or the contents at the beginning.

    :ivar number: position in the order of submission; 0 for the contents at the beginning.
    :ivar offset, length: bytes. :ivar operation: None for the contents at the beginning.
    :ivar answered_at: the oracle's clock when it was answered, None while it is under way.
    :ivar errno: 0 unless it failed.
    :ivar may_do_nothing: whether it may lawfully leave everything as it was: a discard, and what failed.
    """

    __slots__ = ("_data", "answered_at", "errno", "fua", "length", "number", "offset", "operation", "submitted_at")

    def __init__(
        self,
        number: int,
        operation: Operation | None,
        offset: int,
        length: int,
        data: bytes | Snapshot | None,
        submitted_at: int,
        fua: bool = False,
    ) -> None:
        self.number = number
        self.operation = operation
        self.offset = offset
        self.length = length
        self.submitted_at = submitted_at
        self.answered_at: int | None = None
        self.errno = 0
        self.fua = fua
        self._data = data

    @property
    def may_do_nothing(self) -> bool:
        return self.operation is Operation.DISCARD or self.errno != 0

    @property
    def failed(self) -> bool:
        """Whether it was answered with an error."""
        return self.errno != 0

    def superseded_by(self, later: Candidate) -> bool:
        """Whether the acknowledgement of `later` makes this one unlawful: it was over before that one began."""
        return self.answered_at is not None and self.answered_at < later.submitted_at

    def holds(self, start: int, contents: bytes) -> bool:
        """Whether a disk on which this is the last change holds these contents at `start`, inside of its range."""
        data = self._data
        if data is None:
            return not contents.strip(b"\0")
        if isinstance(data, bytes):
            begin = start - self.offset
            return data[begin : begin + len(contents)] == contents
        return data.read_bytes(start, len(contents)) == contents

    def describe(self) -> str:
        """``#3 write 1M+64k (acknowledged)``."""
        if self.operation is None:
            return "the contents at the beginning"
        state = "under way" if self.answered_at is None else "failed" if self.errno else "acknowledged"
        return f"#{self.number} {self.operation} {format_bytes(self.offset)}+{format_bytes(self.length)} ({state})"

    def __repr__(self) -> str:
        return f"<{self.describe()}>"
