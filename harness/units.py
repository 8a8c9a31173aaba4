"""Sizes as people and QEMU's tools write them: 512, 64k, 1M.

The rule: a size is written with the largest suffix that divides it exactly, so every text means one number and
``parse_bytes(format_bytes(n)) == n``.
"""

from __future__ import annotations

import re

from harness.errors import UsageError

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30
TIB = 1 << 40

_SUFFIXES = (("T", TIB), ("G", GIB), ("M", MIB), ("k", KIB))
_FACTORS = {"": 1, "k": KIB, "m": MIB, "g": GIB, "t": TIB}
_SIZE = re.compile(r"([0-9]+)([kKMmGgTt]?)", re.ASCII)


def format_bytes(byte_count: int) -> str:
    """Write a size in its shortest exact form: 0, 512, 64k, 66048, 1M, 1G, 1T.

    :param byte_count: bytes, at least 0.
    :raise ValueError: when it is negative.
    """
    if byte_count < 0:
        raise ValueError(f"size {byte_count} is negative")
    for suffix, factor in _SUFFIXES:
        if byte_count >= factor and byte_count % factor == 0:
            return f"{byte_count // factor}{suffix}"
    return str(byte_count)


def parse_bytes(text: str) -> int:
    """Read a size: a whole decimal number and at most one suffix k, M, G or T (powers of 1024, either case).

    :return: bytes.
    :raise UsageError: when the text is anything else.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise UsageError(f"size {text!r} is not a whole number with an optional suffix k, M, G or T")
    return int(match[1]) * _FACTORS[match[2].lower()]
