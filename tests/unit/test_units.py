"""Sizes as text."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.units import format_bytes, parse_bytes


@pytest.mark.parametrize(
    ("byte_count", "text"),
    [
        (0, "0"),
        (1, "1"),
        (512, "512"),
        (1023, "1023"),
        (1024, "1k"),
        (65536, "64k"),
        (66048, "66048"),
        (1 << 20, "1M"),
        ((1 << 20) + 65536, "1088k"),
        (1 << 30, "1G"),
        (1 << 40, "1T"),
        (1 << 50, "1024T"),
    ],
)
def test_size_of_any_magnitude_is_written_exactly_and_read_back(byte_count: int, text: str) -> None:
    assert format_bytes(byte_count) == text
    assert parse_bytes(text) == byte_count


def test_size_with_suffix_of_either_case_is_read() -> None:
    assert [parse_bytes(text) for text in ("64K", "1m", "2g", "1t")] == [65536, 1 << 20, 2 << 30, 1 << 40]


@pytest.mark.parametrize("text", ["", "k", "-1", "1.5M", "64kB", "0x10", " 1", "1 ", "1\n", "\u0661"])
def test_size_that_is_no_number_is_refused(text: str) -> None:
    message = f"size {text!r} is not a whole number with an optional suffix k, M, G or T"
    with pytest.raises(UsageError) as caught:
        parse_bytes(text)
    assert str(caught.value) == message


def test_size_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^size -1 is negative$"):
        format_bytes(-1)
