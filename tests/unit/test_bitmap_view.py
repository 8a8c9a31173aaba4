"""What a case's view of a bitmap prints, and which lies of a bitmap it sees through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.bench import Bench
from harness.bitmap_view import BitmapView, describe_bits
from harness.bitmap_walk import NOTHING, describe_items, runs_of
from harness.errors import Disagreement, ImplementationCrash
from harness.implementations.reference import Reference
from harness.transcript import Transcript
from reference_impl.hbitmap import HBitmap
from reference_impl.hbitmap_iterator import HBitmapIterator


@pytest.fixture
def transcript() -> Transcript:
    return Transcript()


@pytest.fixture
def bench(transcript: Transcript, tmp_path: Path) -> Iterator[Bench]:
    reference = Reference()
    session = reference.open(tmp_path)
    yield Bench(session, transcript, reference.probe().features, tmp_path)
    session.close()


def test_view_prints_what_was_done_and_what_came_of_it(bench: Bench, transcript: Transcript) -> None:
    bitmap = bench.bitmap(1000, 2, "b")
    bitmap.set(5, 10)
    bitmap.reset(8, 4)
    bitmap.get(9)
    bitmap.get_all(0, 16)
    bitmap.iterate(4)
    bitmap.iterate(0, at_most=1)
    bitmap.next_zero(4)
    bitmap.next(0, 1)
    bitmap.area(0)
    bitmap.area(5, 100, at_most=2)
    bitmap.status(13, 100)
    bitmap.truncate(10)
    bitmap.granules()
    iterator = bitmap.iterator(0, "i")
    iterator.peek()
    iterator.next()
    iterator.rest()
    bitmap.reset_all()
    assert transcript.lines == [
        "b: 1000 items, granularity 2",
        "b: set 5+10 -> count 12, iterates 4-12",
        "b: reset 8+4 -> count 8, iterates 4 12",
        "b: get 9 -> clean",
        "b: get 0 to 15 -> dirty 4-7 12-15",
        "b: iterate from 4 -> 4 12 end",
        "b: iterate from 0, at most 1 -> 4",
        "b: from 4 -> zero 8",
        "b: from 0, 1 item -> zero 0, dirty none",
        "b: area from 0 -> 4+4",
        "b: area in 5+100, at most 2 -> 5+2",
        "b: status of 13+100 -> dirty for 3",
        "b: truncate to 10 -> size 10, count 4, iterates 4",
        "b: 3 granules, then the end",
        "b: i from 0",
        "b: i: peek -> 4",
        "b: i: next -> 4",
        "b: i: rest -> end",
        "b: reset all -> count 0, iterates nothing",
    ]


def test_long_run_is_shown_from_its_first_to_its_last_granule(bench: Bench, transcript: Transcript) -> None:
    bitmap = bench.bitmap(10_000_000, 3)
    bitmap.set(80, 8 * 199)
    bitmap.set(80, 8 * 201)
    bitmap.set(8_000_000, 2_000_000)
    assert [line.partition("iterates ")[2] for line in transcript.lines[1:]] == [
        "80-1664",
        "80..1680",
        "80..1680 8000000..9999992",
    ]


def test_refusal_is_printed_with_whether_it_names_the_value(bench: Bench, transcript: Transcript) -> None:
    bitmap = bench.bitmap(64)
    bitmap.refused("get 64", lambda: bitmap.bitmap.get(64), 64)
    bitmap.refused("get 64", lambda: bitmap.bitmap.get(64), 6)
    bitmap.refused("get -4", lambda: bitmap.bitmap.get(-4), 4)
    bitmap.refused("get 64", lambda: bitmap.bitmap.get(64))
    bitmap.refused("get 0", lambda: bitmap.bitmap.get(0))
    assert transcript.lines[1:] == [
        "get 64 -> refused, naming 64",
        "get 64 -> refused, not naming 6",
        "get -4 -> refused, not naming 4",
        "get 64 -> refused",
        "get 0 -> accepted",
    ]


def test_refusal_that_no_case_expects_is_a_disagreement(bench: Bench) -> None:
    with pytest.raises(Disagreement, match=r"^a bitmap of -1 items, granularity 0, was refused: size -1 is negative$"):
        bench.bitmap(-1)
    bitmap = bench.bitmap(64, name="b")
    with pytest.raises(Disagreement, match=r"^b: set 64\+1 was refused: start 64 plus count 1 is past the size 64$"):
        bitmap.set(64, 1)


def test_bug_of_the_bitmap_is_a_crash_of_the_implementation(bench: Bench) -> None:
    class Broken(HBitmap):
        def set(self, start: int, count: int) -> None:
            raise ZeroDivisionError("no granules")

    with pytest.raises(ImplementationCrash, match=r"^the reference raised ZeroDivisionError: no granules$"):
        BitmapView(bench, Broken(64)).set(0, 1)


# Section: iterators that lie


class Lying(HBitmapIterator):
    """Gives what ``lie`` makes of an item."""

    lies: dict[tuple[int, bool], int]

    def next(self, advance: bool = True) -> int:
        item = super().next(advance)
        return self.lies.get((item, advance), item)


def lying_bitmap(size: int, lies: dict[tuple[int, bool], int]) -> Any:
    class Liar(Lying):
        pass

    Liar.lies = lies

    class Bitmap(HBitmap):
        def iterator(self, first: int = 0) -> HBitmapIterator:
            return Liar(self, first)

    return Bitmap(size)


@pytest.mark.parametrize(
    ("lies", "message"),
    [
        ({(5, False): 4}, "the iterator showed 4 without advancing, and gave 5"),
        ({(5, False): 3, (5, True): 3}, "the iterator gave 3 after 4"),
        (
            {(4096, False): 5000, (4096, True): 5000},
            "the iterator gave 4097 after 5000",
        ),
        (
            {(NOTHING, False): 9001, (NOTHING, True): 9001},
            "an iterator from 8894 gives 8894-8999 9001, though all is dirty from 0 to 9000",
        ),
    ],
)
def test_iterator_that_lies_is_found_out(bench: Bench, lies: dict[tuple[int, bool], int], message: str) -> None:
    view = BitmapView(bench, lying_bitmap(9000, lies))
    with pytest.raises(Disagreement, match=re.escape(message)):
        view.set(0, 9000)


def test_areas_that_do_not_end_are_found_out(bench: Bench) -> None:
    bitmap = bench.area_bitmap(1 << 20, 16, "area")
    bitmap.set(0, 65536)
    bitmap.bitmap.next_area = lambda iterator, maximum: (0, 65536)
    with pytest.raises(Disagreement, match=r"^areas from 0 to 100 do not end: 0\+65536 0\+65536 .* \.\.\.$"):
        bitmap.areas(0, 100)


# Section: words


def test_runs_are_told_by_their_ends() -> None:
    assert list(runs_of([0, 8, 16, 32, 40, NOTHING], 8)) == [(0, 16), (32, 40)]
    assert describe_items([]) == "nothing"
    assert describe_items([NOTHING]) == "end"
    assert describe_items([1, 2, 3, 7]) == "1-3 7"


def test_bits_are_told_by_their_numbers() -> None:
    assert describe_bits(b"") == "none"
    assert describe_bits(bytes(8)) == "none"
    assert describe_bits(b"\xff" * 8) == "0-63"
    assert describe_bits(bytes([0b10000001, 0b00000001]) + bytes(5) + b"\x80") == "0 7-8 63"
