"""Two transcripts beside each other: which lines belong together, and where they first differ."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.difference import ALIGNMENT_EFFORT_MAX
from harness.report import visible

#: Lines beyond this are shown cut: nobody reads a line of 10 MB, and no terminal bears one.
LINE_LENGTH_MAX = 2000


class Block(NamedTuple):
    """A stretch of lines, 0-based and half open on each side; ``is_equal`` ones have the same lines."""

    is_equal: bool
    left_start: int
    left_end: int
    right_start: int
    right_end: int


class Row(NamedTuple):
    """One line of the picture; a number from 1, or 0 and "" where a side has nothing."""

    left_number: int
    left: str
    right_number: int
    right: str
    is_equal: bool


def lines_of(transcript: str) -> list[str]:
    """Return the lines of a transcript; only "\\n" ends one."""
    lines = transcript.split("\n")
    if lines[-1] == "":
        lines.pop()
    return lines


def first_difference(left: Sequence[str], right: Sequence[str]) -> int | None:
    """Return the number of the first line that differs, from 1; None when there is none."""
    for number, (one, other) in enumerate(zip(left, right, strict=False), 1):
        if one != other:
            return number
    return None if len(left) == len(right) else min(len(left), len(right)) + 1


def align(left: Sequence[str], right: Sequence[str]) -> list[Block]:
    """Return the blocks that together cover both sides; in bounded time, as ``harness.difference`` does."""
    start = (first_difference(left, right) or min(len(left), len(right)) + 1) - 1
    end = 0
    while end < min(len(left), len(right)) - start and left[-1 - end] == right[-1 - end]:
        end += 1
    blocks = [Block(True, 0, start, 0, start)] if start else []
    left_end, right_end = len(left) - end, len(right) - end
    if start < left_end or start < right_end:
        if (left_end - start) * (right_end - start) > ALIGNMENT_EFFORT_MAX:
            blocks.append(Block(False, start, left_end, start, right_end))
        else:
            matcher = difflib.SequenceMatcher(None, left[start:left_end], right[start:right_end], autojunk=False)
            blocks += [
                Block(tag == "equal", start + one, start + two, start + three, start + four)
                for tag, one, two, three, four in matcher.get_opcodes()
            ]
    if end:
        blocks.append(Block(True, left_end, len(left), right_end, len(right)))
    return blocks


def rows(left: Sequence[str], right: Sequence[str]) -> Iterator[Row]:
    """Yield the lines of both, those that belong together in one row."""
    for block in align(left, right):
        count = max(block.left_end - block.left_start, block.right_end - block.right_start)
        for index in range(count):
            left_index, right_index = block.left_start + index, block.right_start + index
            has_left, has_right = left_index < block.left_end, right_index < block.right_end
            yield Row(
                left_index + 1 if has_left else 0,
                left[left_index] if has_left else "",
                right_index + 1 if has_right else 0,
                right[right_index] if has_right else "",
                block.is_equal,
            )


def shown(line: str, length_max: int = LINE_LENGTH_MAX) -> str:
    """Return a line as it may be shown: nothing in it disturbs, and it is not endless."""
    if len(line) <= length_max:
        return visible(line)
    return f"{visible(line[:length_max])} … ({len(line) - length_max} more characters)"


def text(left: str, right: str, *, width: int, context_count: int | None = 3) -> list[str]:
    """Return the picture for a terminal: the first differing row is marked with ">".

    :param width: columns of a line. :param context_count: rows before and after the differences; None shows all rows.
    """
    every_row = list(rows(lines_of(left), lines_of(right)))
    differing = [index for index, row in enumerate(every_row) if not row.is_equal]
    if not differing:
        return []
    wanted = set(range(len(every_row)))
    if context_count is not None:
        wanted = {
            near
            for index in differing
            for near in range(max(0, index - context_count), min(len(every_row), index + context_count + 1))
        }
    digits = len(str(len(every_row)))
    side = max(20, (width - 2 * digits - 9) // 2)
    found: list[str] = []
    previous = -1
    for index in sorted(wanted):
        if index != previous + 1:
            found.append(f"  ({index - previous - 1} lines)")
        previous = index
        row = every_row[index]
        mark = ">" if index == differing[0] else " "
        sign = "|" if row.is_equal else ("<" if not row.right_number else ">" if not row.left_number else "≠")
        left_number, right_number = row.left_number or "", row.right_number or ""
        left_text, right_text = _fitted(row.left, side), _fitted(row.right, side)
        line = f"{mark} {left_number:>{digits}} {left_text:<{side}} {sign} {right_number:>{digits}} {right_text}"
        found.append(line.rstrip())
    if previous != len(every_row) - 1:
        found.append(f"  ({len(every_row) - 1 - previous} lines)")
    return found


def _fitted(line: str, width: int) -> str:
    line = shown(line, 4 * width).replace("\t", " ")
    return line if len(line) <= width else f"{line[: width - 1]}…"
