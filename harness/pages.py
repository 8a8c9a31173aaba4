"""Sparse memory: the contents of a disk as a map from page number to an immutable page.

The rule: a page's bytes object is never changed, only replaced. So copies share all pages, a snapshot costs one
copy of the map, and equal contents that came from one snapshot compare by identity.

Three kinds of page, because block status tells them apart (NBD protocol, "Metadata contexts", base:allocation):

* absent: a hole, reads as zeroes;
* the one shared ``ZERO_PAGE`` object: allocated, known to read as zeroes;
* anything else: data, even when somebody wrote zero bytes into it, as on a real disk.

Bytes of the last page that lie beyond the size are always zero, so that growing shows zeroes.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

PAGE_SIZE = 4096
_SHIFT = 12
_MASK = PAGE_SIZE - 1
ZERO_PAGE = bytes(PAGE_SIZE)
_WRITTEN_ZEROES = bytes(PAGE_SIZE)

#: Holes are hashed in blocks of this size; only speed depends on it.
_HASH_BLOCK = bytes(1 << 20)


class Extent(NamedTuple):
    """A stretch of equal block status; offset and length in bytes, length at least 1."""

    offset: int
    length: int
    is_hole: bool
    is_zero: bool


@lru_cache(maxsize=256)
def _filled_page(value: int) -> bytes:
    return bytes([value]) * PAGE_SIZE if value else ZERO_PAGE


def _append(found: list[Extent], start: int, end: int, *, is_hole: bool, is_zero: bool) -> None:
    """Put a stretch behind those found, or lengthen the last one when it is of the same kind."""
    if found and found[-1].is_hole == is_hole and found[-1].is_zero == is_zero:
        found[-1] = found[-1]._replace(length=end - found[-1].offset)
    else:
        found.append(Extent(start, end - start, is_hole, is_zero))


class SparseMemory:
    """``size`` bytes that read as zeroes until they are written.

    Methods check nothing: the caller has made sure that ``0 <= offset`` and ``offset + length <= size``.

    :ivar size: bytes, at least 0; change it with resize().
    :ivar pages: page number to page; for reading by this project's own modules only.
    """

    __slots__ = ("pages", "size")

    def __init__(self, size: int, pages: dict[int, bytes] | None = None) -> None:
        self.size = size
        self.pages: dict[int, bytes] = {} if pages is None else pages

    def copy(self) -> SparseMemory:
        """An independent copy that shares all pages."""
        return SparseMemory(self.size, self.pages.copy())

    # Reading

    def read(self, offset: int, length: int) -> bytes:
        """The bytes of a range."""
        if not length:
            return b""
        first = offset >> _SHIFT
        last = (offset + length - 1) >> _SHIFT
        within = offset & _MASK
        if first == last:
            page = self.pages.get(first, ZERO_PAGE)
            return page if length == PAGE_SIZE else page[within : within + length]
        get = self.pages.get
        joined = b"".join([get(index, ZERO_PAGE) for index in range(first, last + 1)])
        return joined if len(joined) == length else joined[within : within + length]

    def extents(self, offset: int, length: int, limit: int | None = None) -> list[Extent]:
        """The block status of a range: adjacent equal stretches are one extent, and together they cover the range.

        :param limit: stop after this many extents; None is all of them.
        """
        found: list[Extent] = []
        if not length:
            return found
        end = offset + length
        position = offset
        for index in self._present(offset >> _SHIFT, (end - 1) >> _SHIFT):
            page_start = max(index << _SHIFT, offset)
            if page_start > position:
                _append(found, position, page_start, is_hole=True, is_zero=True)
            position = min((index + 1) << _SHIFT, end)
            _append(found, page_start, position, is_hole=False, is_zero=self.pages[index] is ZERO_PAGE)
            # Only when a further extent has begun is it known that the last wanted one has its full length.
            if limit is not None and len(found) > limit:
                return found[:limit]
        if position < end:
            _append(found, position, end, is_hole=True, is_zero=True)
        return found if limit is None else found[:limit]

    def sha256(self) -> str:
        """The SHA-256 of all ``size`` bytes, as a file of the same contents would have; time grows with the size."""
        digest = hashlib.sha256()
        position = 0
        for index in sorted(self.pages):
            self._hash_zeroes(digest, (index << _SHIFT) - position)
            position = min((index + 1) << _SHIFT, self.size)
            digest.update(self.pages[index][: position - (index << _SHIFT)])
        self._hash_zeroes(digest, self.size - position)
        return digest.hexdigest()

    def first_difference(self, other: SparseMemory) -> int | None:
        """The offset of the first byte that differs; the shorter size when that is all that differs; None if equal.

        Time grows with the number of allocated pages, not with the size.
        """
        shorter = min(self.size, other.size)
        mine, theirs = self.pages, other.pages
        if mine != theirs:
            # A hole and a page of zeroes are the same contents, hence the second look at what the maps call different.
            different = [
                index
                for index in mine.keys() | theirs.keys()
                if mine.get(index, ZERO_PAGE) != theirs.get(index, ZERO_PAGE)
            ]
            if different:
                index = min(different)
                page, other_page = mine.get(index, ZERO_PAGE), theirs.get(index, ZERO_PAGE)
                within = next(n for n in range(PAGE_SIZE) if page[n] != other_page[n])
                offset = (index << _SHIFT) + within
                if offset < shorter:
                    return offset
        return None if self.size == other.size else shorter

    # Changing

    def write(self, offset: int, data: bytes) -> None:
        """Put bytes at an offset; the pages they touch become data."""
        if data is ZERO_PAGE:
            # What somebody read from a hole and writes back is data, like any other zero bytes they write.
            data = _WRITTEN_ZEROES
        pages = self.pages
        within = offset & _MASK
        index = offset >> _SHIFT
        length = len(data)
        position = 0
        if within or length < PAGE_SIZE:
            position = min(PAGE_SIZE - within, length)
            if not position:
                return
            page = pages.get(index, ZERO_PAGE)
            pages[index] = page[:within] + data[:position] + page[within + position :]
            index += 1
        while length - position >= PAGE_SIZE:
            pages[index] = data[position : position + PAGE_SIZE]
            position += PAGE_SIZE
            index += 1
        if position < length:
            pages[index] = data[position:] + pages.get(index, ZERO_PAGE)[length - position :]

    def zero(self, offset: int, length: int, *, unmap: bool) -> None:
        """Make a range read as zeroes.

        :param unmap: whether whole pages become holes; without it they are allocated zeroes.
        """
        if not length:
            return
        end = offset + length
        first_whole = (offset + _MASK) >> _SHIFT
        # The page of the last byte of the disk is whole when the range reaches the end: nothing of it remains.
        last_whole = (end + _MASK if end == self.size else end) >> _SHIFT
        if first_whole > last_whole:
            self._zero_part(first_whole - 1, offset & _MASK, end & _MASK, unmap)
            return
        if offset & _MASK:
            self._zero_part(first_whole - 1, offset & _MASK, PAGE_SIZE, unmap)
        if end & _MASK and end != self.size:
            self._zero_part(last_whole, 0, end & _MASK, unmap)
        if first_whole < last_whole:
            if unmap:
                for index in self._present(first_whole, last_whole - 1):
                    del self.pages[index]
            else:
                self.pages.update(dict.fromkeys(range(first_whole, last_whole), ZERO_PAGE))

    def fill(self, value: int, offset: int, length: int) -> None:
        """Set every byte of a range to one value; whole pages of one value share one object."""
        if value == 0:
            self.zero(offset, length, unmap=False)
            return
        page = _filled_page(value)
        end = offset + length
        first_whole = (offset + _MASK) >> _SHIFT
        last_whole = end >> _SHIFT
        if first_whole >= last_whole:
            self.write(offset, bytes([value]) * length)
            return
        self.write(offset, page[: (first_whole << _SHIFT) - offset])
        self.pages.update(dict.fromkeys(range(first_whole, last_whole), page))
        self.write(last_whole << _SHIFT, page[: end & _MASK])

    def resize(self, size: int) -> None:
        """Cut off the end, or add a hole there."""
        if size < self.size:
            for index in self._present((size + _MASK) >> _SHIFT, (self.size - 1) >> _SHIFT):
                del self.pages[index]
            index, within = size >> _SHIFT, size & _MASK
            page = self.pages.get(index)
            if within and page is not None and page is not ZERO_PAGE:
                self.pages[index] = page[:within] + ZERO_PAGE[within:]
        self.size = size

    # Details

    def _present(self, first: int, last: int) -> list[int]:
        """The allocated page numbers from first to last, ascending; searches the smaller of the range and the map."""
        if last - first < len(self.pages):
            return [index for index in range(first, last + 1) if index in self.pages]
        return sorted(index for index in self.pages if first <= index <= last)

    def _zero_part(self, index: int, start: int, end: int, unmap: bool) -> None:
        page = self.pages.get(index)
        if page is None:
            if not unmap:
                self.pages[index] = ZERO_PAGE
        elif page is not ZERO_PAGE:
            self.pages[index] = page[:start] + ZERO_PAGE[start:end] + page[end:]

    @staticmethod
    def _hash_zeroes(digest: hashlib._Hash, length: int) -> None:
        while length > 0:
            digest.update(_HASH_BLOCK[:length])
            length -= len(_HASH_BLOCK)


class Snapshot:
    """What a disk held at one instant; never changes, and shares its pages with the disk.

    :ivar memory: for reading only.
    """

    __slots__ = ("memory",)

    def __init__(self, memory: SparseMemory) -> None:
        self.memory = memory.copy()

    @property
    def size(self) -> int:
        """Bytes."""
        return self.memory.size

    def read_bytes(self, offset: int, length: int) -> bytes:
        """The bytes of a range.

        :raise ValueError: when the range does not lie within the size.
        """
        check_range(self.memory.size, offset, length)
        return self.memory.read(offset, length)

    def sha256(self) -> str:
        """As SparseMemory.sha256."""
        return self.memory.sha256()


def check_range(size: int, offset: int, length: int) -> None:
    """Refuse a range that does not lie within ``size`` bytes.

    :raise ValueError: naming the range and the size.
    """
    if offset < 0 or length < 0 or offset + length > size:
        raise ValueError(f"range of {length} bytes at {offset} does not lie within the disk's {size} bytes")
