"""Whatever is done to a bitmap, it answers as a set of granules would, and iterates as the algorithm is told.

By default the same examples are tried every time (profile ``ci``). ``HYPOTHESIS_PROFILE=nightly`` tries many more, and
others each time.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hbitmap_models import BookIterator, ItemSet
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from reference_impl import runs
from reference_impl.errors import BitmapError
from reference_impl.hbitmap import INT64_MAX, HBitmap
from reference_impl.hbitmap_iterator import HBitmapIterator

CHUNK_EDGES_MAX = runs.CHUNK_EDGES_MAX

#: Granules around which things go wrong: the ends of words, level by level. The size of the bitmap is one more.
BORDERS = [0, *(64**level for level in range(1, 7))]

ITEMS_MAX = 2**40

granularities = st.integers(0, 20)
granule_counts = st.one_of(
    st.integers(0, 300),
    st.integers(0, ITEMS_MAX),
    st.builds(lambda border, shift: max(0, border + shift), st.sampled_from(BORDERS), st.integers(-3, 300)),
)
#: Items that the last granule lacks, as far as it has them.
cuts = st.one_of(st.just(0), st.integers(0, 2**20))
#: A place: which border, how many granules from it, and how many items into that granule.
places = st.tuples(st.integers(0, len(BORDERS)), st.integers(-130, 130), st.integers(0, 2**20))
lengths = st.one_of(st.integers(0, 3), st.integers(0, 70), st.integers(0, 700))
#: For what is done one time in ten that it could be, because little is left afterwards.
rarely = st.integers(0, 9).map(lambda number: number == 9)


def size_of(granule_count: int, granularity: int, cut: int) -> int:
    """The size, at most ``ITEMS_MAX``, that makes so many granules, the last of them not full."""
    size = min(granule_count * 2**granularity, ITEMS_MAX)
    return max(0, size - cut % 2**granularity)


class Changes(RuleBasedStateMachine):
    """Changes, questions and iterators in any order; the model is asked the same."""

    def teardown(self) -> None:
        runs.CHUNK_EDGES_MAX = CHUNK_EDGES_MAX
        if hasattr(self, "bitmap"):
            assert self.bitmap.dirty_granules() == sorted(self.model.granules)
            assert self.bitmap._runs.count() == len(self.model.granules)

    @initialize(granules=granule_counts, granularity=granularities, cut=cuts, small_chunks=st.booleans())
    def make(self, granules: int, granularity: int, cut: int, small_chunks: bool) -> None:
        size = size_of(granules, granularity, cut)
        # Chunks of eight edges make a short example as good at splitting and joining as a long one.
        runs.CHUNK_EDGES_MAX = 8 if small_chunks else CHUNK_EDGES_MAX
        self.bitmap = HBitmap(size, granularity)
        self.model = ItemSet(size, granularity)
        self.iterators: list[tuple[HBitmapIterator, BookIterator]] = []

    def item(self, place: tuple[int, int, int]) -> int:
        """An item of the bitmap at or near ``place``; the bitmap must have one."""
        border, granules, items = place
        granule_size = 2**self.model.granularity
        near = self.model.granule_count if border == len(BORDERS) else BORDERS[border]
        item = (near + granules) * granule_size + items % granule_size
        return item % self.model.size

    def range(self, place: tuple[int, int, int], length: int) -> tuple[int, int]:
        """A range of items that begins at or near ``place`` and has ``length`` granules, or less at the end."""
        start = self.item(place)
        return start, min(length * 2**self.model.granularity, self.model.size - start)

    def granules(self, place: tuple[int, int, int], length: int) -> tuple[int, int]:
        """A range of whole granules that begins at or near ``place``; the last one may be cut by the end."""
        start = self.item(place)
        start -= start % 2**self.model.granularity
        return start, min(length * 2**self.model.granularity, self.model.size - start)

    not_empty = precondition(lambda self: self.model.size > 0)

    @not_empty
    @rule(place=places, length=lengths, fewer_items=st.integers(0, 2**20))
    def set(self, place: tuple[int, int, int], length: int, fewer_items: int) -> None:
        start, count = self.range(place, length)
        count = max(0, count - fewer_items % 2**self.model.granularity)
        self.bitmap.set(start, count)
        self.model.set(start, count)

    @not_empty
    @rule(place=places, length=lengths)
    def reset(self, place: tuple[int, int, int], length: int) -> None:
        start, count = self.range(place, length)
        granule_size = 2**self.model.granularity
        if count and (start % granule_size or (count % granule_size and start + count != self.model.size)):
            with pytest.raises(BitmapError):
                self.bitmap.reset(start, count)
            start, count = self.granules(place, length)
        self.bitmap.reset(start, count)
        self.model.reset(start, count)

    @not_empty
    @rule(place=places, length=lengths)
    def reset_rounding_outward(self, place: tuple[int, int, int], length: int) -> None:
        start, count = self.range(place, length)
        self.bitmap.reset_rounding_outward(start, count)
        self.model.reset(start, count)

    @not_empty
    @rule(place=places, length=st.integers(1, 3), gap=st.integers(1, 70), teeth=st.integers(1, 20), dirty=st.booleans())
    def comb(self, place: tuple[int, int, int], length: int, gap: int, teeth: int, dirty: bool) -> None:
        """Many changes at equal distances."""
        border, granules, _ = place
        for tooth in range(teeth):
            start, count = self.granules((border, granules + tooth * (length + gap), 0), length)
            for changed in (self.bitmap, self.model):
                (changed.set if dirty else changed.reset)(start, count)

    @precondition(lambda self: self.model.granules)
    @rule(which=st.integers(0, 10000), shift=st.integers(-1, 1), length=st.integers(1, 2), dirty=st.booleans())
    def change_beside_dirt(self, which: int, shift: int, length: int, dirty: bool) -> None:
        """A change that begins on, just before or just behind a dirty granule."""
        granule = sorted(self.model.granules)[which % len(self.model.granules)]
        start, count = self.granules((0, granule + shift, 0), length)
        for changed in (self.bitmap, self.model):
            (changed.set if dirty else changed.reset)(start, count)

    @rule(really=rarely)
    def reset_all(self, really: bool) -> None:
        if really:
            self.bitmap.reset_all()
            self.model.reset_all()

    @rule(really=rarely, granules=granule_counts, cut=cuts)
    def truncate(self, really: bool, granules: int, cut: int) -> None:
        if not really:
            return
        size = size_of(granules, self.model.granularity, cut)
        self.bitmap.truncate(size)
        self.model.truncate(size)
        for iterator, _ in self.iterators:
            with pytest.raises(BitmapError):
                iterator.next()
        self.iterators.clear()

    @not_empty
    @rule(place=places, at_start=st.booleans())
    def start_iterator(self, place: tuple[int, int, int], at_start: bool) -> None:
        first = 0 if at_start else self.item(place)
        self.iterators.append((self.bitmap.iterator(first), BookIterator(self.model, first)))

    @precondition(lambda self: self.iterators)
    @rule(which=st.integers(0, 1000), advances=st.lists(st.integers(0, 3).map(bool), min_size=1, max_size=30))
    def iterate(self, which: int, advances: list[bool]) -> None:
        iterator, expected = self.iterators[which % len(self.iterators)]
        for advance in advances:
            assert iterator.next(advance) == expected.next(advance)

    @not_empty
    @rule(place=places, length=lengths, maximum=st.one_of(st.none(), st.integers(1, 2**22)))
    def ask(self, place: tuple[int, int, int], length: int, maximum: int | None) -> None:
        start, count = self.range(place, length)
        assert self.bitmap.get(start) == self.model.get(start)
        for end, asked_count in ((start + count, count), (self.model.size, None), (self.model.size, INT64_MAX)):
            dirty = self.model.next_dirty(start, end)
            assert self.bitmap.next_dirty(start, asked_count) == dirty
            assert self.bitmap.next_zero(start, asked_count) == self.model.next_zero(start, end)
            area = self.bitmap.next_dirty_area(start, end, maximum)
            if dirty < 0:
                assert area is None
            else:
                area_end = end if maximum is None else min(end, dirty + maximum)
                zero = self.model.next_zero(dirty, area_end)
                assert area == (dirty, (area_end if zero < 0 else zero) - dirty)

    @not_empty
    @rule(place=places, level=st.integers(0, 6))
    def look_at_word(self, place: tuple[int, int, int], level: int) -> None:
        index = self.item(place) // 2**self.model.granularity // 64 ** (7 - level)
        assert self.bitmap.word(level, index) == self.model.word(level, index)

    @invariant()
    def count_is_that_of_the_set(self) -> None:
        if hasattr(self, "bitmap"):
            assert self.bitmap.count == self.model.count


TestChanges = pytest.mark.slow(Changes.TestCase)


Areas = list[tuple[int, int]]
areas_within = st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 300)), max_size=12)


def bitmap_of(size: int, granularity: int, areas: Areas) -> HBitmap:
    bitmap = HBitmap(size, granularity)
    for start, count in areas:
        if start < size:
            bitmap.set(start, min(count, size - start))
    return bitmap


@given(
    size=st.integers(0, 3000),
    granularities=st.tuples(*[st.integers(0, 9)] * 3),
    contents=st.tuples(*[areas_within] * 3),
    alias=st.sampled_from(["a", "b", "both", "third"]),
)
def test_merge_is_the_union_in_granules_of_the_result(
    size: int, granularities: tuple[int, int, int], contents: tuple[Areas, Areas, Areas], alias: str
) -> None:
    a, b, third = (bitmap_of(size, *each) for each in zip(granularities, contents, strict=True))
    if alias == "both":
        b = a
    result = {"a": a, "b": b, "both": a, "third": third}[alias]
    granule_size = 2**result.granularity
    expected = {item // granule_size for item in range(size) if a.get(item) or b.get(item)}
    HBitmap.merge(a, b, result)
    assert {item // granule_size for item in range(size) if result.get(item)} == expected
    assert result.count == len(expected) * granule_size


@given(
    size=st.integers(1, 3000),
    granularity=st.integers(0, 9),
    areas=areas_within,
    words_per_part=st.integers(1, 20),
    order=st.randoms(use_true_random=False),
)
def test_parts_in_any_order_restore_the_bitmap(
    size: int, granularity: int, areas: Areas, words_per_part: int, order: object
) -> None:
    bitmap = bitmap_of(size, granularity, areas)
    copy = bitmap_of(size, granularity, [(0, size)])
    step = words_per_part * bitmap.serialization_alignment
    starts = list(range(0, size, step))
    shuffle: Callable[[list[int]], None] = order.shuffle  # type: ignore[attr-defined]
    shuffle(starts)
    for start in starts:
        count = min(step, size - start)
        data = bitmap.serialize_part(start, count)
        assert len(data) == bitmap.serialization_size(start, count)
        copy.deserialize_part(data, start, count, finish=start == starts[-1])
    assert copy.count == bitmap.count
    assert copy.sha256() == bitmap.sha256()
    assert copy.dirty_granules() == bitmap.dirty_granules()
