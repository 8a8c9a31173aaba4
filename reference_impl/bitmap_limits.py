"""The numbers that bound a hierarchical bitmap, and the check that every item and count must pass.

Source: QEMU's include/qemu/hbitmap.h, on a 64-bit host; B14, B15.
"""

from __future__ import annotations

from reference_impl.errors import BitmapError

WORD_BITS = 64
WORD_BITS_LOG2 = 6
WORD_BYTES = 8
ALL_ONES = (1 << WORD_BITS) - 1

#: Levels of a bitmap. Level 0 is one word, and each bit of a level stands for one word of the next.
LEVELS = 7

#: The level whose bits are granules.
LAST_LEVEL = LEVELS - 1

#: As many granules as a bitmap may have; they need 32 bits of level 0.
GRANULES_MAX = 1 << 41

#: log2 of the items in a granule.
GRANULARITY_MAX = 63

#: Above this the items of one word would be more than 64 bits can count, so no part could be addressed.
SERIALIZABLE_GRANULARITY_MAX = 57

#: The largest size, start or count of items; as a count it means "to the end".
INT64_MAX = (1 << 63) - 1

#: Answer of a search that finds nothing.
NOTHING = -1


def check_int64(name: str, value: int) -> None:
    """Refuse what is not a number of items.

    :param name: what the caller calls the value; begins the message.
    :raise BitmapError: when ``value`` is negative or above 2**63-1.
    """
    if value < 0:
        raise BitmapError(f"{name} {value} is negative", value)
    if value > INT64_MAX:
        raise BitmapError(f"{name} {value} is above 2^63-1", value)


def lowest_bit(word: int) -> int:
    """Number of the lowest set bit of a word that is not zero."""
    return (word & -word).bit_length() - 1
