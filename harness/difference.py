"""The unified difference of two transcripts, in bounded time.

Python's ``difflib`` takes time that grows with the product of the two lengths, and a transcript may have a million
lines when a case has run wild. So what both have in common at the start and the end is set aside first, and when
too much remains the whole remainder is shown as replaced.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

CONTEXT_LINES = 3

#: Above this product of the two remaining lengths no attempt is made to align lines.
ALIGNMENT_EFFORT_MAX = 1_000_000

NO_FINAL_NEWLINE = "\\ No newline at end of file"


def unified(expected: str, actual: str, expected_name: str, actual_name: str) -> list[str]:
    """Return the unified difference, a line each without line ends; empty when the texts are equal.

    Lines end at "\\n" and nowhere else, so that a carriage return or a form feed is a difference like any other.
    """
    if expected == actual:
        return []
    before, after = _lines(expected), _lines(actual)
    start = _common_count(before, after, 0)
    end = _common_count(before[::-1], after[::-1], start)
    middle_before = before[start : len(before) - end]
    middle_after = after[start : len(after) - end]

    skipped = max(0, start - CONTEXT_LINES)
    trailing = min(end, CONTEXT_LINES)
    lines = [f"--- {expected_name}", f"+++ {actual_name}"]
    if len(middle_before) * len(middle_after) > ALIGNMENT_EFFORT_MAX:
        leading_lines = before[skipped:start]
        trailing_lines = before[len(before) - end : len(before) - end + trailing]
        before_count = len(leading_lines) + len(middle_before) + len(trailing_lines)
        after_count = len(leading_lines) + len(middle_after) + len(trailing_lines)
        lines.append(f"@@ -{_range(skipped, before_count)} +{_range(skipped, after_count)} @@")
        lines += [" " + line for line in leading_lines]
        lines += ["-" + line for line in middle_before]
        lines += ["+" + line for line in middle_after]
        lines += [" " + line for line in trailing_lines]
    else:
        window_before = before[skipped : len(before) - end + trailing]
        window_after = after[skipped : len(after) - end + trailing]
        matcher = difflib.SequenceMatcher(None, window_before, window_after, autojunk=False)
        for group in matcher.get_grouped_opcodes(CONTEXT_LINES):
            first, last = group[0], group[-1]
            before_range = _range(skipped + first[1], last[2] - first[1])
            after_range = _range(skipped + first[3], last[4] - first[3])
            lines.append(f"@@ -{before_range} +{after_range} @@")
            for tag, before_start, before_end, after_start, after_end in group:
                if tag == "equal":
                    lines += [" " + line for line in window_before[before_start:before_end]]
                    continue
                lines += ["-" + line for line in window_before[before_start:before_end]]
                lines += ["+" + line for line in window_after[after_start:after_end]]
    return [part for line in lines for part in line.split("\n")]


def _lines(text: str) -> list[str]:
    """Return the lines of ``text``; a last line without newline carries the remark that it has none."""
    lines = text.split("\n")
    last = lines.pop()
    if last:
        lines.append(f"{last}\n{NO_FINAL_NEWLINE}")
    return lines


def _common_count(before: Sequence[str], after: Sequence[str], reserved_count: int) -> int:
    """Return how many lines the two have in common at the start, leaving ``reserved_count`` at the end untouched."""
    limit = min(len(before), len(after)) - reserved_count
    count = 0
    while count < limit and before[count] == after[count]:
        count += 1
    return count


def _range(start: int, count: int) -> str:
    """Return a hunk's range as diff -u writes it: 1-based, and one less when it is empty."""
    if count == 1:
        return f"{start + 1}"
    return f"{start + 1 if count else start},{count}"
