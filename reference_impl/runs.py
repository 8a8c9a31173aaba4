"""Which granules are dirty, kept as runs: the memory of the reference's hierarchical bitmap.

QEMU keeps a bit for each granule and seven levels of words above them. The reference keeps where dirt begins and ends,
and computes a word of any level when somebody looks at one (``RunList.word``). Nothing that a caller can see differs;
what differs is that a clean petabyte takes no memory, and that painting a million granules costs as much as painting
one.

The edges of the runs form one ascending sequence, ``[first, end, first, end, ...]``: every number in it flips clean to
dirty or back, so *how many edges lie at or below a granule* is odd exactly when the granule is dirty. That one parity
is the whole algorithm. The sequence is cut into chunks of whole runs, so that an insertion moves a few thousand edges
and not all of them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import chain
from typing import Protocol
from weakref import WeakSet

from reference_impl.bitmap_limits import NOTHING, WORD_BITS, WORD_BITS_LOG2

#: Edges in a chunk before it is cut in two. Moving this many costs less than finding the place.
CHUNK_EDGES_MAX = 512

#: Below this many runs, cutting on to find a part that is all single granules costs more than it saves.
SINGLES_SEARCH_RUNS_MIN = 32


class Watcher(Protocol):
    """Somebody who has relied on what a run list held."""

    def before_change(self) -> None:
        """Called once, before the run list changes for the first time since the watcher asked for it."""


class RunList:
    """A set of granule numbers that knows its runs.

    Ranges are half open, ``first`` to ``end``, and not checked here: who calls this has done so.
    Invariants: edges strictly ascend over all chunks (runs that touch are one run); a chunk holds whole runs and at
    least one; ``_last_edges[i]`` is ``_chunks[i][-1]``, and ``_dirty_counts[i]`` how many granules its runs have.

    :ivar changes: grows with every change that was asked for, so that who keeps a word knows whether it is still true.
    """

    __slots__ = ("_chunks", "_dirty_counts", "_is_watched", "_last_edges", "_watchers", "changes")

    def __init__(self) -> None:
        self.changes = 0
        self._chunks: list[list[int]] = []
        self._last_edges: list[int] = []
        self._dirty_counts: list[int] = []
        self._watchers: WeakSet[Watcher] = WeakSet()
        #: Whether there may be watchers; asking the set itself takes a fifth of the time of a change.
        self._is_watched = False

    # Section: who relies on it

    def watch(self, watcher: Watcher) -> None:
        """Tell ``watcher`` before the next change, once; it is not kept alive for that."""
        self._watchers.add(watcher)
        self._is_watched = True

    def before_change(self) -> None:
        """Tell all watchers that what they know is about to become wrong."""
        self._is_watched = False
        watchers = list(self._watchers)
        self._watchers.clear()
        for watcher in watchers:
            watcher.before_change()

    # Section: changes

    def paint(self, first: int, end: int, dirty: bool) -> int:
        """Make every granule from ``first`` to before ``end`` dirty, or clean.

        :return: how many of them were dirty before.
        """
        if self._is_watched:
            self.before_change()
        self.changes += 1
        last_edges = self._last_edges
        # A chunk that ends exactly at `first` is taken too: its last run may touch ours and then becomes one with it.
        left = bisect_left(last_edges, first)
        if left == len(last_edges):
            if dirty:
                self._append(first, end)
            return 0
        right = left
        edges = self._chunks[left]
        if end > last_edges[left]:
            right = min(bisect_left(last_edges, end, left), len(last_edges) - 1)
            if right > left:
                edges = list(chain.from_iterable(self._chunks[left : right + 1]))
        i = bisect_left(edges, first)
        j = bisect_right(edges, end, i)
        dirty_before_first = i & 1
        dirty_after_end = j & 1

        inside = edges[i:j]
        if dirty_before_first:
            inside.insert(0, first)
        if dirty_after_end:
            inside.append(end)
        dirty_granules = sum(inside[1::2]) - sum(inside[::2])

        # An edge is needed wherever the new colour differs from what lies beyond it.
        replacement = [first] if dirty_before_first != dirty else []
        if dirty_after_end != dirty:
            replacement.append(end)
        edges[i:j] = replacement
        self._store(left, right, edges, end - first - dirty_granules if dirty else -dirty_granules)
        return dirty_granules

    def clear(self) -> None:
        """Make every granule clean."""
        self.before_change()
        self.changes += 1
        self._chunks.clear()
        self._last_edges.clear()
        self._dirty_counts.clear()

    def _append(self, first: int, end: int) -> None:
        """Add a run behind all others, which it does not touch."""
        if self._chunks and len(self._chunks[-1]) < CHUNK_EDGES_MAX:
            self._chunks[-1] += (first, end)
            self._last_edges[-1] = end
            self._dirty_counts[-1] += end - first
        else:
            self._chunks.append([first, end])
            self._last_edges.append(end)
            self._dirty_counts.append(end - first)

    def _store(self, left: int, right: int, edges: list[int], added: int) -> None:
        """Put ``edges`` in the place of chunks ``left`` to ``right``, both included.

        :param added: how many granules more they have than what was there.
        """
        if left == right and 0 < len(edges) <= CHUNK_EDGES_MAX:
            self._last_edges[left] = edges[-1]  # by far the most frequent: the chunk was changed in place
            self._dirty_counts[left] += added
            return
        step = CHUNK_EDGES_MAX // 2
        pieces = [edges[i : i + step] for i in range(0, len(edges), step)]
        self._chunks[left : right + 1] = pieces
        self._last_edges[left : right + 1] = [piece[-1] for piece in pieces]
        self._dirty_counts[left : right + 1] = [sum(piece[1::2]) - sum(piece[::2]) for piece in pieces]

    # Section: questions

    def contains(self, granule: int) -> bool:
        """Whether ``granule`` is dirty."""
        chunk = bisect_right(self._last_edges, granule)
        return chunk < len(self._chunks) and bool(bisect_right(self._chunks[chunk], granule) & 1)

    def next_run(self, granule: int) -> tuple[int, int] | None:
        """The first dirty run at or after ``granule``; a run that ``granule`` lies in is cut to begin there."""
        chunk = bisect_right(self._last_edges, granule)
        if chunk == len(self._chunks):
            return None
        edges = self._chunks[chunk]
        i = bisect_right(edges, granule)
        return (granule, edges[i]) if i & 1 else (edges[i], edges[i + 1])

    def next_dirty(self, granule: int) -> int:
        """The first dirty granule at or after ``granule``, or NOTHING."""
        run = self.next_run(granule)
        return NOTHING if run is None else run[0]

    def next_clean(self, granule: int) -> int:
        """The first clean granule at or after ``granule``; there always is one, if need be past the end."""
        chunk = bisect_right(self._last_edges, granule)
        if chunk == len(self._chunks):
            return granule
        edges = self._chunks[chunk]
        i = bisect_right(edges, granule)
        return edges[i] if i & 1 else granule

    def count(self) -> int:
        """How many granules are dirty."""
        return sum(self._dirty_counts)

    def word(self, index: int, log2_granules_per_bit: int) -> int:
        """The 64-bit word ``index`` of the level whose bits stand for ``2**log2_granules_per_bit`` granules each.

        Bit b is set when any of the granules that bit ``64 * index + b`` of that level stands for is dirty.
        """
        word = 0
        first_bit = bit = index << WORD_BITS_LOG2
        end_bit = first_bit + WORD_BITS
        chunk, i = bisect_right(self._last_edges, bit << log2_granules_per_bit), 0
        while chunk < len(self._chunks):
            edges = self._chunks[chunk]
            i = bisect_right(edges, bit << log2_granules_per_bit, i)
            if i == len(edges):
                chunk, i = bisect_right(self._last_edges, bit << log2_granules_per_bit, chunk), 0
                continue
            if not i & 1:  # between two runs: go on to the next one
                bit = edges[i] >> log2_granules_per_bit
                if bit >= end_bit:
                    break
                i += 1
            end = ((edges[i] - 1) >> log2_granules_per_bit) + 1
            if end >= end_bit:
                return word | (1 << WORD_BITS) - (1 << (bit - first_bit))
            word |= (1 << (end - first_bit)) - (1 << (bit - first_bit))
            bit = end
        return word

    def runs_within(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """The dirty runs, as (first, end), from ``first`` to before ``end``, cut to fit. It may change meanwhile."""
        while first < end and (run := self.next_run(first)) is not None and run[0] < end:
            first = min(run[1], end)
            yield run[0], first

    def granules(self) -> list[int]:
        """All dirty granules, ascending."""
        granules: list[int] = []
        for edges, dirty_count in zip(self._chunks, self._dirty_counts, strict=True):
            if dirty_count * 2 == len(edges):  # all of them single granules, and then their firsts are the answer
                granules += edges[::2]
            else:
                _add_granules(granules, edges[::2], edges[1::2])
        return granules

    def granules_from(self, first: int, count: int) -> list[int]:
        """Some dirty granules at or after ``first``, ascending and without a gap.

        :return: fewer than twice ``count``; none only when there is none.
        """
        granules: list[int] = []
        chunk = bisect_right(self._last_edges, first)
        if chunk == len(self._chunks):
            return granules
        edges = self._chunks[chunk]
        i = bisect_right(edges, first)
        if i & 1:  # inside of a run
            granules += range(first, min(edges[i], first + count))
            if len(granules) == count:
                return granules
            i += 1
        last = min(i + 2 * count, len(edges))
        firsts, ends = edges[i:last:2], edges[i + 1 : last : 2]
        if sum(ends) - sum(firsts) <= count:
            _add_granules(granules, firsts, ends)
        else:
            for run_first, run_end in zip(firsts, ends, strict=True):
                granules += range(run_first, min(run_end, run_first + count))
                if len(granules) >= count:
                    break
        return granules


def _add_granules(granules: list[int], firsts: list[int], ends: list[int]) -> None:
    """Append every granule of the runs that begin at ``firsts`` and end before ``ends``.

    Scattered dirt is mostly runs of one granule, and then the firsts are the answer: looking for stretches where that
    holds is several times faster than making each run a range.
    """
    run_count = len(firsts)
    if sum(ends) - sum(firsts) == run_count:
        granules += firsts
    elif run_count < SINGLES_SEARCH_RUNS_MIN:
        granules += chain.from_iterable(map(range, firsts, ends))
    else:
        half = run_count // 2
        _add_granules(granules, firsts[:half], ends[:half])
        _add_granules(granules, firsts[half:], ends[half:])
