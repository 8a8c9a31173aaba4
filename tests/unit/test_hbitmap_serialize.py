"""Serialization is bits in little-endian words, in parts of whole words: rows HB-35 to HB-38, B4, B14."""

from __future__ import annotations

import hashlib

import pytest

from reference_impl.errors import BitmapError
from reference_impl.hbitmap import HBitmap

L3 = 64**3
PLACES = (0, 1, 63, 64, 4095, 4096, 4097, 262143)


def bits(data: bytes) -> int:
    return int.from_bytes(data, "little")


def test_alignment_is_the_items_of_a_word() -> None:
    """HB-35."""
    bitmap = HBitmap(2 * L3, 3)
    assert bitmap.is_serializable
    assert bitmap.serialization_alignment == 512


@pytest.mark.parametrize("start", PLACES)
def test_whole_bitmap_goes_into_bytes_and_back(start: int) -> None:
    """HB-36, for every count in the same list."""
    bitmap = HBitmap(L3)
    assert bitmap.serialization_size(0, L3) == 32768
    for count in PLACES:
        count = min(count, L3 - start)
        bitmap.reset_all()
        bitmap.set(start, count)
        data = bitmap.serialize_part(0, L3)
        assert bits(data) == ((1 << count) - 1) << start
        bitmap.reset_all()
        bitmap.deserialize_part(data, 0, L3, finish=True)
        assert bitmap.next_dirty_area(0, L3) == ((start, count) if count else None)
        assert bitmap.count == count


def test_parts_hold_the_items_that_fall_in_them() -> None:
    """HB-37."""
    bitmap = HBitmap(L3)
    for item in PLACES:
        bitmap.set(item, 1)
    for part in range(64):
        expected = sum(1 << item % 4096 for item in PLACES if item // 4096 == part)
        assert bits(bitmap.serialize_part(part * 4096, 4096)) == expected, part


def test_zeroes_make_their_part_clean_and_nothing_else() -> None:
    """HB-38."""
    bitmap = HBitmap(L3)
    starts = (0, 64, 4096, L3 - 64)
    for start in starts:
        bitmap.set(start, 64)
    for start, first_dirty in zip(starts, (64, 4096, L3 - 64, -1), strict=True):
        bitmap.deserialize_zeroes(start, 64, finish=True)
        assert bitmap.next_dirty(0) == first_dirty


def test_ones_stop_at_the_end_of_the_bitmap() -> None:
    bitmap = HBitmap(100)
    bitmap.deserialize_ones(0, 100, finish=True)
    assert bitmap.count == 100
    bitmap.truncate(128)
    assert bitmap.next_zero(0) == 100


def test_bits_past_the_end_are_ignored() -> None:
    bitmap = HBitmap(100)
    bitmap.deserialize_part(b"\xff" * 16, 0, 100, finish=True)
    assert bitmap.count == 100
    bitmap.truncate(128)
    assert bitmap.next_zero(0) == 100


def test_parts_in_any_order_and_a_finish_restore_bitmap_and_count() -> None:
    """B4: without the recount the bitmap looked empty to whoever asks for the count."""
    original = HBitmap(70001, 4)
    for start in range(0, 70001, 997):
        original.set(start, min(200, 70001 - start))
    copy = HBitmap(70001, 4)
    copy.set(0, 70001)
    alignment = original.serialization_alignment
    for start in sorted(range(0, 70001, alignment), key=lambda start: start % 7):
        count = min(alignment, 70001 - start)
        copy.deserialize_part(original.serialize_part(start, count), start, count, finish=False)
    copy.deserialize_finish()
    assert copy.count == original.count
    assert copy.sha256() == original.sha256()


def test_part_of_nothing_takes_no_bytes() -> None:
    bitmap = HBitmap(128)
    assert bitmap.serialization_size(64, 0) == 0
    assert bitmap.serialize_part(64, 0) == b""


@pytest.mark.parametrize(("size", "words"), [(0, 1), (1, 1), (64, 1), (65, 2), (200, 4)])
def test_sha256_is_that_of_the_words(size: int, words: int) -> None:
    bitmap = HBitmap(size)
    bitmap.set(0, size)
    assert bitmap.sha256() == hashlib.sha256(((1 << size) - 1).to_bytes(8 * words, "little")).hexdigest()


@pytest.mark.slow
def test_sha256_over_several_blocks_is_that_of_the_words() -> None:
    bitmap = HBitmap(3 << 20)
    bitmap.set((1 << 20) - 1, 2)
    expected = (3 << ((1 << 20) - 1)).to_bytes(3 << 17, "little")
    assert bitmap.sha256() == hashlib.sha256(expected).hexdigest()


@pytest.mark.parametrize(
    ("start", "count", "message"),
    [
        (1, 512, "start 1 is not a multiple of the serialization alignment 512"),
        (512, 8, "count 8 is not a multiple of the serialization alignment 512 and does not reach the end"),
        (0, 5000, "start 0 plus count 5000 is past the size 4100"),
        (-512, 512, "start -512 is negative"),
    ],
)
def test_part_that_is_not_one_is_refused(start: int, count: int, message: str) -> None:
    bitmap = HBitmap(4100, 3)
    bitmap.set(0, 4100)
    for call in (
        lambda: bitmap.serialization_size(start, count),
        lambda: bitmap.serialize_part(start, count),
        lambda: bitmap.deserialize_part(b"", start, count, finish=True),
        lambda: bitmap.deserialize_zeroes(start, count, finish=True),
        lambda: bitmap.deserialize_ones(start, count, finish=True),
    ):
        with pytest.raises(BitmapError, match=f"^{message}$"):
            call()
    assert bitmap.next_zero(0) == -1


def test_data_of_another_length_is_refused() -> None:
    bitmap = HBitmap(128)
    bitmap.set(0, 128)
    with pytest.raises(BitmapError, match=r"^data has 15 bytes, the part has 16$"):
        bitmap.deserialize_part(bytes(15), 0, 128, finish=True)
    assert bitmap.count == 128


def test_granularity_above_57_is_not_serializable() -> None:
    """B14's neighbour: the items of one word no longer fit in 64 bits."""
    assert HBitmap(1 << 60, 57).serialization_alignment == 1 << 63
    bitmap = HBitmap(1 << 60, 58)
    assert not bitmap.is_serializable
    with pytest.raises(BitmapError, match=r"^granularity 58 is above 57: not serializable$"):
        bitmap.serialize_part(0, 1 << 60)
