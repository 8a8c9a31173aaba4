"""A hierarchical bitmap as a case sees it: whatever is done to it is a line of the transcript, with what came of it.

``set 63+66 -> count 66, iterates 63-128`` says that 66 items from 63 on were set, what the bitmap counts now, and what
an iterator from item 0 gives: runs of items, each given once and in ascending order. With a granularity the items are
starts of granules, and a run is one of neighbouring granules.

``4096..262144`` is a run too long to be walked after every change: it was walked at both ends, and across the borders
of the words and levels nearest to them. Where an implementation can look without moving (``hbitmap-peek``), every step
of every walk is looked at before it is made, and both must be the same (HB-48).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from harness.consoles.hbitmap_protocol import ConsoleRefusal
from harness.errors import Disagreement

if TYPE_CHECKING:
    from harness.bench import Bench

T = TypeVar("T")

NOTHING = -1

PEEK_FEATURE = "hbitmap-peek"

#: How many steps of an iterator are asked for at a time.
WALK_BATCH = 500

#: A walk that has given this many neighbouring granules goes on at the other end of the run: two words of the last
#: level and a border of the level above, from wherever it began.
STRIDE_GRANULES = 200

#: How far before a border, or before the end of a run, a walk goes on.
APPROACH_GRANULES = 66

#: Granules in a word of the last level, in a word of the one above it, and so on.
BORDERS_GRANULES = (64, 64**2, 64**3)


class BitmapView:
    """A bitmap of the implementation under test, with a line for everything.

    :ivar bitmap: the implementation's, for what has no line of its own.
    """

    def __init__(self, bench: Bench, bitmap: Any, name: str = "") -> None:
        """See a bitmap.

        :param name: put before each line, to tell several bitmaps apart.
        """
        self.bitmap = bitmap
        self._bench = bench
        self._prefix = f"{name}: " if name else ""
        self.granule = 1 << self.ask("granularity", lambda: bitmap.granularity)

    @staticmethod
    def make(bench: Bench, size: int, granularity: int, name: str = "") -> BitmapView:
        """Make a clean bitmap, and say so.

        :raise Disagreement: when the implementation refuses.
        """
        bench.say(f"{name or 'bitmap'}: {size} items, granularity {granularity}")
        try:
            with bench.session.bitmap_calls():
                return BitmapView(bench, bench.session.hbitmap(size, granularity), name)
        except ConsoleRefusal as refusal:
            raise Disagreement(f"a bitmap of {size} items, granularity {granularity}, was refused: {refusal}") from None

    def say(self, text: str) -> None:
        """Print a line about this bitmap."""
        self._bench.say(self._prefix + text)

    def ask(self, what: str, function: Callable[[], T]) -> T:
        """Call the implementation where no refusal is expected.

        :raise Disagreement: when it refuses.
        """
        try:
            with self._bench.session.bitmap_calls():
                return function()
        except ConsoleRefusal as refusal:
            raise Disagreement(f"{self._prefix}{what} was refused: {refusal}") from None

    # Section: changes

    def set(self, start: int, count: int) -> None:
        """Set a range, and show the bitmap."""
        self.do(f"set {start}+{count}", lambda: self.bitmap.set(start, count))

    def reset(self, start: int, count: int) -> None:
        """Reset a range of whole granules, and show the bitmap."""
        self.do(f"reset {start}+{count}", lambda: self.bitmap.reset(start, count))

    def reset_all(self) -> None:
        """Reset everything, and show the bitmap."""
        self.do("reset all", self.bitmap.reset_all)

    def do(self, what: str, change: Callable[[], object]) -> None:
        """Make a change, and show the bitmap."""
        self.ask(what, change)
        count = self.ask("count", lambda: self.bitmap.count)
        self.say(f"{what} -> count {count}, iterates {self._dirt()}")

    # Section: iterating

    def show(self) -> None:
        """Print what the bitmap counts and iterates."""
        count = self.ask("count", lambda: self.bitmap.count)
        self.say(f"count {count}, iterates {self._dirt()}")

    def iterate(self, first: int = 0) -> None:
        """Print everything that an iterator from ``first`` gives, item by item to its end."""
        items = self._walk(self._iterator(first), None)
        self.say(f"iterate from {first} -> {describe_items(items, self.granule)}")

    def iterator(self, first: int = 0, name: str = "") -> IteratorView:
        """An iterator from ``first`` on whose steps are lines.

        :param name: put before each line, to tell several iterators apart.
        """
        self.say(f"{name or 'iterator'} from {first}")
        return IteratorView(self, self._iterator(first), name)

    def _iterator(self, first: int) -> Any:
        return self.ask(f"an iterator from {first}", lambda: self.bitmap.iterator(first))

    def _walk(self, iterator: Any, count: int | None) -> list[int]:
        """The next ``count`` items of an iterator, or all; the last is NOTHING when it came to its end."""
        items: list[int] = []
        while (not items or items[-1] != NOTHING) and (count is None or len(items) < count):
            batch = WALK_BATCH if count is None else min(WALK_BATCH, count - len(items))
            items += self.take(iterator, batch, items[-1] if items else NOTHING)
        return items

    def take(self, iterator: Any, count: int, previous: int = NOTHING) -> list[int]:
        """Up to ``count`` items; the last is NOTHING when the iterator came to its end.

        :param previous: the item given before.
        :raise Disagreement: when an item is not the one that was seen in advance, or does not ascend.
        """
        peeks = PEEK_FEATURE in self._bench.features
        # A console takes many commands at a time, when nobody needs to see each answer before the next command.
        take = getattr(iterator, "take", None) or partial(_take, iterator)
        pairs: list[tuple[int, int]] = self.ask("an iterator's step", lambda: take(count, peeks))
        for seen, item in pairs:
            if seen != item:
                raise Disagreement(f"the iterator showed {seen} without advancing, and gave {item}")
            if item <= previous and item != NOTHING:
                raise Disagreement(f"the iterator gave {item} after {previous}")
            previous = item
        return [item for _, item in pairs]

    def _dirt(self) -> str:
        """What an iterator from item 0 gives, long runs at their borders only."""
        words: list[str] = []
        size = self.ask("size", lambda: self.bitmap.size)
        position = 0
        while position < size:
            items = self._walk(self._iterator(position), STRIDE_GRANULES)
            runs = list(runs_of(items, self.granule))
            if len(items) < STRIDE_GRANULES or items[-1] == NOTHING:
                words += [describe_run(*run) for run in runs]
                break
            # The last run may go on: it is followed from its own beginning, and everything before it is settled.
            words += [describe_run(*run) for run in runs[:-1]]
            first, last = runs[-1]
            if last - first >= (STRIDE_GRANULES - 1) * self.granule:
                end = self._end_of_long_run(first, size)
                words.append(f"{first}..{end - self.granule}")
                position = end
            else:
                position = first
        return " ".join(words) or "nothing"

    def _end_of_long_run(self, first: int, size: int) -> int:
        """The item behind the run that begins at ``first``, which is walked across borders and at its end.

        :raise Disagreement: when a walk inside of it does not give every granule.
        """
        end: int = self.ask("next-zero", lambda: self.bitmap.next_zero(first))
        end = -(-(size if end == NOTHING else end) // self.granule) * self.granule
        starts = {end - APPROACH_GRANULES * self.granule}
        for border in BORDERS_GRANULES:
            border *= self.granule
            starts.add(-(-first // border) * border - APPROACH_GRANULES * self.granule)
            starts.add((end - 1) // border * border - APPROACH_GRANULES * self.granule)
        for start in sorted(starts):
            if not first < start < end:
                continue
            expected = list(range(start, end, self.granule))[: 2 * APPROACH_GRANULES]
            if end >= size and expected[-1] + self.granule == end:
                expected.append(NOTHING)
            given = self._walk(self._iterator(start), len(expected))
            if given != expected:
                raise Disagreement(
                    f"an iterator from {start} gives {describe_items(given, self.granule)}, "
                    f"though all is dirty from {first} to {end}"
                )
        return end


class IteratorView:
    """An iterator with a line for every step."""

    def __init__(self, view: BitmapView, iterator: Any, name: str = "") -> None:
        self.iterator = iterator
        self._view = view
        self._prefix = f"{name}: " if name else ""

    def next(self) -> int:
        """Take the next item, and print it."""
        item: int = self._view.ask("next", self.iterator.next)
        self._view.say(f"{self._prefix}next -> {item}")
        return item

    def peek(self) -> int:
        """Look at the next item without taking it, and print it; for implementations with ``hbitmap-peek``."""
        item: int = self._view.ask("peek", lambda: self.iterator.next(advance=False))
        self._view.say(f"{self._prefix}peek -> {item}")
        return item

    def rest(self) -> None:
        """Take everything that is left, and print it."""
        items: list[int] = []
        while not items or items[-1] != NOTHING:
            items += self._view.take(self.iterator, WALK_BATCH, items[-1] if items else NOTHING)
        self._view.say(f"{self._prefix}the rest -> {describe_items(items, self._view.granule)}")


def _take(iterator: Any, count: int, peeks: bool) -> list[tuple[int, int]]:
    pairs = []
    for _ in range(count):
        seen = iterator.next(advance=False) if peeks else None
        item = iterator.next()
        pairs.append((item if seen is None else seen, item))
        if item == NOTHING:
            break
    return pairs


def runs_of(items: Iterable[int], granule: int) -> Iterable[tuple[int, int]]:
    """Runs of neighbouring granules, as (start of the first, start of the last); NOTHING is left out."""
    first = last = None
    for item in items:
        if item == NOTHING:
            continue
        if first is None or last is None:
            first = last = item
        elif item == last + granule:
            last = item
        else:
            yield first, last
            first = last = item
    if first is not None and last is not None:
        yield first, last


def describe_run(first: int, last: int) -> str:
    """A run of granules that were all given."""
    return str(first) if first == last else f"{first}-{last}"


def describe_items(items: Sequence[int], granule: int) -> str:
    """Items that were all given, with ``end`` where the iterator came to it."""
    words = [describe_run(*run) for run in runs_of(items, granule)]
    if items and items[-1] == NOTHING:
        words.append("end")
    return " ".join(words) or "nothing"
