"""Sparse memory against a plain bytearray, and what block status says of it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.pages import PAGE_SIZE, ZERO_PAGE, Extent, Snapshot, SparseMemory

K4 = PAGE_SIZE
SIZE = 5 * PAGE_SIZE + 700

# Edges of pages and of the disk are where mistakes live.
_EDGES = st.sampled_from([0, 1, 511, 4095, 4096, 4097, 8191, 8192, 12288, 20480, SIZE - 1, SIZE])
_OFFSETS = _EDGES | st.integers(0, SIZE)
_STEPS = st.tuples(st.sampled_from(["write", "zero", "unmap", "fill", "resize"]), _OFFSETS, _OFFSETS, st.integers(0, 3))


@settings(max_examples=60)
@given(st.lists(_STEPS, max_size=12))
def test_memory_after_any_changes_equals_a_bytearray(steps: list[tuple[str, int, int, int]]) -> None:
    memory, model = SparseMemory(SIZE), bytearray(SIZE)
    for kind, one, other, value in steps:
        offset, end = sorted((min(one, len(model)), min(other, len(model))))
        length = end - offset
        if kind == "write":
            # No two bytes next to each other are equal: a shift by one is seen.
            data = bytes((value + 7 * n) % 251 + 1 for n in range(length))
            memory.write(offset, data)
            model[offset:end] = data
        elif kind == "fill":
            memory.fill(value, offset, length)
            model[offset:end] = bytes([value]) * length
        elif kind == "resize":
            memory.resize(one)
            model = model[:one] + bytes(max(0, one - len(model)))
        else:
            memory.zero(offset, length, unmap=kind == "unmap")
            model[offset:end] = bytes(length)
    size = len(model)
    assert memory.size == size
    assert memory.read(0, size) == model
    third = size // 3
    assert memory.read(third, third) == model[third : 2 * third]
    assert memory.sha256() == hashlib.sha256(model).hexdigest()
    # Extents cover the disk without gaps, no two neighbours are alike, and what they call zero reads as zeroes.
    position = 0
    previous: Extent | None = None
    for extent in memory.extents(0, size):
        assert extent.offset == position
        assert extent.length > 0
        assert previous is None or previous[2:] != extent[2:]
        if extent.is_zero:
            assert not any(model[position : position + extent.length])
        position += extent.length
        previous = extent
    assert position == size
    copy = SparseMemory(size)
    copy.write(0, bytes(model))
    assert memory.first_difference(copy) is None
    memory.resize(size + 1)
    memory.resize(size + K4)
    assert memory.read(size, K4) == ZERO_PAGE


def test_extents_follow_what_was_written() -> None:
    memory = SparseMemory(1 << 40)
    memory.write(K4, b"data" * 1024)
    memory.zero(2 * K4, K4, unmap=False)
    memory.write(3 * K4, memory.read(2 * K4, K4))
    memory.write(5 * K4 + 10, b"x")
    assert memory.extents(0, 1 << 40) == [
        Extent(0, K4, True, True),
        Extent(K4, K4, False, False),
        Extent(2 * K4, K4, False, True),
        Extent(3 * K4, K4, False, False),
        Extent(4 * K4, K4, True, True),
        Extent(5 * K4, K4, False, False),
        Extent(6 * K4, (1 << 40) - 6 * K4, True, True),
    ]


def test_extents_with_a_limit_are_whole() -> None:
    memory = SparseMemory(8 * K4)
    memory.fill(1, 0, 3 * K4)
    assert memory.extents(K4 + 5, 6 * K4, 1) == [Extent(K4 + 5, 2 * K4 - 5, False, False)]
    assert memory.extents(K4, 0) == []


def test_zero_of_part_of_a_page_keeps_its_kind() -> None:
    memory = SparseMemory(4 * K4)
    memory.zero(100, 200, unmap=True)
    assert memory.extents(0, K4) == [Extent(0, K4, True, True)]
    memory.zero(K4 + 100, 200, unmap=False)
    assert memory.extents(K4, K4) == [Extent(K4, K4, False, True)]
    memory.fill(7, 2 * K4, K4)
    memory.zero(2 * K4 + 100, 200, unmap=True)
    assert memory.extents(2 * K4, K4) == [Extent(2 * K4, K4, False, False)]


def test_discard_of_a_short_last_page_makes_a_hole() -> None:
    memory = SparseMemory(K4 + 512)
    memory.fill(1, 0, K4 + 512)
    memory.zero(K4, 512, unmap=True)
    assert memory.extents(0, K4 + 512) == [Extent(0, K4, False, False), Extent(K4, 512, True, True)]


def test_fill_shares_one_page() -> None:
    memory = SparseMemory(1 << 30)
    memory.fill(0x11, 0, 1 << 20)
    assert len({id(page) for page in memory.pages.values()}) == 1
    memory.fill(0, 0, 1 << 20)
    assert all(page is ZERO_PAGE for page in memory.pages.values())


@pytest.mark.parametrize("offset", [0, 1, 4095, 4096, 8191, 3 * K4 + 5])
def test_difference_at_any_offset_is_found(offset: int) -> None:
    one, other = SparseMemory(1 << 40), SparseMemory(1 << 40)
    one.fill(1, 0, 8 * K4)
    other.fill(1, 0, 8 * K4)
    assert one.first_difference(other) is None
    other.write(offset, b"\2")
    other.write(7 * K4, b"\2")
    assert one.first_difference(other) == offset
    assert other.first_difference(one) == offset


def test_difference_of_sizes_is_at_the_shorter_size() -> None:
    one, other = SparseMemory(5000), SparseMemory(6000)
    assert one.first_difference(other) == 5000
    other.write(5500, b"x")
    assert one.first_difference(other) == 5000
    other.write(4999, b"x")
    assert other.first_difference(one) == 4999


def test_snapshot_after_later_changes_stays_as_it_was() -> None:
    memory = SparseMemory(2 * K4)
    memory.write(10, b"before")
    snapshot = Snapshot(memory)
    memory.write(10, b"behind")
    memory.resize(K4)
    assert snapshot.size == 2 * K4
    assert snapshot.read_bytes(10, 6) == b"before"
    assert snapshot.memory.pages[0] is not memory.pages[0]
    with pytest.raises(ValueError, match=r"^range of 6 bytes at 8190 does not lie within the disk's 8192 bytes$"):
        snapshot.read_bytes(8190, 6)
