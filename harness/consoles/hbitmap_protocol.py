"""The bitmap as both sides of the console protocol see it, and the words they share. Read docs/hbitmap-console.md."""

from __future__ import annotations

from typing import Protocol

#: The answer to ``hello``: name and version of the protocol.
GREETING = "hbitmap-console 1"

DONE = "ok"
NOTHING = "none"
ERROR = "error"


#: What a console may have or lack, as it says itself when asked for ``features``: docs/hbitmap-console.md.
OPTIONAL = (
    "area",
    "area-2018",
    "huge",
    "merge",
    "meta",
    "peek",
    "reset-outward",
    "serialize",
    "sha256",
    "status",
)

#: What a word of OPTIONAL begins with as a feature that a case needs.
FEATURE_PREFIX = "hbitmap-"

HBITMAP_FEATURES = frozenset(FEATURE_PREFIX + word for word in OPTIONAL)


class ConsoleRefusal(ValueError):
    """A console answered ``error``, or is about to; the text is what follows that word."""


class BitmapIterator(Protocol):
    """An iterator over dirty granules."""

    def next(self, advance: bool = True) -> int: ...


class Bitmap(Protocol):
    """What a console offers of a hierarchical bitmap; the reference's ``HBitmap`` fits, and so does the client's.

    Whatever is refused raises a ``ValueError``.
    """

    @property
    def size(self) -> int: ...
    @property
    def granularity(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def serialization_alignment(self) -> int: ...

    def set(self, start: int, count: int) -> None: ...
    def reset(self, start: int, count: int) -> None: ...
    def reset_all(self) -> None: ...
    def get(self, item: int) -> bool: ...
    def iterator(self, first: int = 0) -> BitmapIterator: ...
    def next_zero(self, start: int, count: int | None = None) -> int: ...
    def next_dirty(self, start: int, count: int | None = None) -> int: ...
    def next_dirty_area(self, start: int, end: int, max_dirty_count: int | None = None) -> tuple[int, int] | None: ...
    def status(self, start: int, count: int) -> tuple[bool, int]: ...
    def truncate(self, size: int) -> None: ...
    def serialization_size(self, start: int, count: int) -> int: ...
    def serialize_part(self, start: int, count: int) -> bytes: ...
    def deserialize_part(self, data: bytes, start: int, count: int, finish: bool) -> None: ...
    def deserialize_zeroes(self, start: int, count: int, finish: bool) -> None: ...
    def deserialize_ones(self, start: int, count: int, finish: bool) -> None: ...
    def deserialize_finish(self) -> None: ...
    def sha256(self) -> str: ...
    def free_meta(self) -> None: ...
