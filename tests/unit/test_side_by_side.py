"""Two transcripts beside each other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.side_by_side import align, first_difference, lines_of, rows, shown, text

LINES = st.lists(st.sampled_from("abc"), max_size=12)


def test_first_difference_is_counted_from_1_and_sees_what_is_missing() -> None:
    assert first_difference(["a", "b"], ["a", "c"]) == 2
    assert first_difference(["a"], ["a", "c"]) == 2
    assert first_difference(["a"], ["a"]) is None
    assert first_difference([], ["a"]) == 1


def test_lines_end_at_line_feeds_only() -> None:
    assert lines_of("a\x0cb\rc\u2028d\ne\n") == ["a\x0cb\rc\u2028d", "e"]
    assert lines_of("") == []
    assert lines_of("a") == ["a"]


@given(LINES, LINES)
def test_rows_show_every_line_of_both_sides_in_order(left: list[str], right: list[str]) -> None:
    found = list(rows(left, right))
    assert [row.left for row in found if row.left_number] == left
    assert [row.right for row in found if row.right_number] == right
    assert [row.left_number for row in found if row.left_number] == list(range(1, len(left) + 1))
    assert all((row.left == row.right) == row.is_equal for row in found if row.left_number and row.right_number)


@given(LINES, LINES)
def test_blocks_cover_both_sides(left: list[str], right: list[str]) -> None:
    left_end = right_end = 0
    for block in align(left, right):
        assert (block.left_start, block.right_start) == (left_end, right_end)
        left_end, right_end = block.left_end, block.right_end
        if block.is_equal:
            assert left[block.left_start : left_end] == right[block.right_start : right_end]
    assert (left_end, right_end) == (len(left), len(right))


def test_transcripts_that_have_nothing_in_common_are_aligned_in_bounded_time() -> None:
    left = [f"left {index}" for index in range(20_000)]
    right = [f"right {index}" for index in range(20_000)]
    assert len(align(left, right)) == 1


def test_first_differing_row_is_marked() -> None:
    left = "".join(f"{index}\n" for index in range(10)) + "left\nend\n"
    right = "".join(f"{index}\n" for index in range(10)) + "right\nend\nmore\n"
    assert text(left, right, width=60, context_count=1) == [
        "  (9 lines)",
        "  10 9                       | 10 9",
        "> 11 left                    ≠ 11 right",
        "  12 end                     | 12 end",
        "                             > 13 more",
    ]
    assert text(left, left, width=60) == []
    assert len(text(left, right, width=60, context_count=None)) == 13


def test_long_and_hostile_lines_are_cut_and_escaped() -> None:
    assert shown("\x1b[2J\u202e") == "\\x1b[2J\\u202e"
    line = shown("x" * 10_000_000)
    assert line == "x" * 2000 + " … (9998000 more characters)"
    (only,) = text("a" * 10_000_000 + "\n", "\x1b\n", width=60)
    assert only == "> 1 " + "a" * 23 + "… ≠ 1 \\x1b"
