"""A hierarchical bitmap as a case sees it: whatever is done to it is a line of the transcript, with what came of it.

``set 63+66 -> count 66, iterates 63-128`` says that 66 items from 63 on were set, what the bitmap counts now, and what
an iterator from item 0 gives: runs of items, each given once and in ascending order. With a granularity the items are
starts of granules, and a run is one of neighbouring granules.

``4096..262144`` is a run too long to be walked after every change: it was walked at both ends, and across the borders
of the words and levels nearest to them. Where an implementation can look without moving (``hbitmap-peek``), every step
of every walk is looked at before it is made, and both must be the same (HB-48).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from harness.bitmap_walk import NOTHING, BitmapWalk, describe_items, describe_run
from harness.consoles.hbitmap_protocol import ConsoleRefusal
from harness.errors import Disagreement

if TYPE_CHECKING:
    from harness.bench import Bench

T = TypeVar("T")

PEEK_FEATURE = "hbitmap-peek"

#: More areas than any case has: an implementation that gives as many gives them for ever.
AREAS_MAX = 1000

#: The largest start, count or size; as a count it means "to the end".
INT64_MAX = (1 << 63) - 1


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
        self._walk = BitmapWalk(bitmap, self.ask, PEEK_FEATURE in bench.features)

    @staticmethod
    def make(bench: Bench, size: int, granularity: int, name: str = "", area_feature: str = "") -> BitmapView:
        """Make a clean bitmap, and say so.

        :param area_feature: the kind of bitmap that areas can be asked of; see `Session.area_bitmap`.
        :raise Disagreement: when the implementation refuses.
        """
        session = bench.session
        bench.say(f"{name or 'bitmap'}: {size} items, granularity {granularity}")
        try:
            with session.bitmap_calls():
                if area_feature:
                    return BitmapView(bench, session.area_bitmap(size, granularity, area_feature), name)
                return BitmapView(bench, session.hbitmap(size, granularity), name)
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
        self.say(f"{what} -> {self.state()}")

    def truncate(self, size: int) -> None:
        """Change the size, and show the bitmap."""
        self.ask("truncate", lambda: self.bitmap.truncate(size))
        now: int = self.ask("size", lambda: self.bitmap.size)
        self.say(f"truncate to {size} -> size {now}, {self.state()}")

    # Section: what it holds

    def show(self) -> None:
        """Print what the bitmap counts and iterates."""
        self.say(self.state())

    def state(self) -> str:
        """What the bitmap counts and iterates, in words."""
        count: int = self.ask("count", lambda: self.bitmap.count)
        return f"count {count}, iterates {self._walk.dirt()}"

    def get(self, item: int) -> None:
        """Print whether an item is dirty."""
        dirty = self.ask(f"get {item}", lambda: self.bitmap.get(item))
        self.say(f"get {item} -> {'dirty' if dirty else 'clean'}")

    def get_all(self, first: int, end: int) -> None:
        """Ask for every item from ``first`` to before ``end``, and print which are dirty."""
        dirty = [item for item, is_dirty in enumerate(self._get(range(first, end)), first) if is_dirty]
        self.say(f"get {first} to {end - 1} -> dirty {describe_items(dirty)}")

    def _get(self, items: Sequence[int]) -> list[bool]:
        def one_by_one(items: Sequence[int]) -> list[bool]:
            return [self.bitmap.get(item) for item in items]

        get: Callable[[Sequence[int]], list[bool]] = getattr(self.bitmap, "get_all", one_by_one)
        return self.ask("get", lambda: get(items))

    def granules(self) -> None:
        """Print how many granules there are: the last item of the last one is there, and the next item is not."""
        granule = self._walk.granule
        size: int = self.ask("size", lambda: self.bitmap.size)
        count = -(-size // granule)
        self.ask(f"get {count * granule - 1}", lambda: self.bitmap.get(count * granule - 1))
        end = "the end" if self._refusal(lambda: self.bitmap.get(count * granule)) is not None else "more to come"
        self.say(f"{count} granules, then {end}")

    # Section: iterating

    def iterate(self, first: int = 0, at_most: int | None = None) -> None:
        """Print everything that an iterator from ``first`` gives, item by item to its end, or so many items of it."""
        items = self._walk.walk(first, at_most)
        limit = "" if at_most is None else f", at most {at_most}"
        self.say(f"iterate from {first}{limit} -> {describe_items(items, self._walk.granule)}")

    def iterator(self, first: int = 0, name: str = "") -> IteratorView:
        """An iterator from ``first`` whose steps are lines.

        :param name: put before each line, to tell several iterators apart.
        """
        name = name or "iterator"
        self.say(f"{name} from {first}")
        return IteratorView(self, self._walk, self._walk.iterator(first), name)

    # Section: searches

    def next_zero(self, start: int) -> None:
        """Print the first clean item from a start on, asked for without a count."""
        self.say(f"from {start} -> zero {self._next_zero(start)}")

    def next(self, start: int, count: int = INT64_MAX) -> None:
        """Print the first clean and the first dirty item of a range."""
        dirty = _found(self.ask("next-dirty", lambda: self.bitmap.next_dirty(start, count)))
        self.say(f"{_range_words(start, count)} -> zero {self._next_zero(start, count)}, dirty {dirty}")

    def _next_zero(self, start: int, count: int | None = None) -> str:
        return _found(self.ask("next-zero", lambda: self.bitmap.next_zero(start, count)))

    def area(self, start: int, count: int = INT64_MAX, at_most: int | None = None) -> None:
        """Print the first dirty area of a range, of which at most so many items are wanted."""
        end = min(start + count, INT64_MAX)
        area = self.ask("next-dirty-area", lambda: self.bitmap.next_dirty_area(start, end, at_most))
        where = f"area from {start}" if count == INT64_MAX else f"area in {start}+{count}"
        limit = "" if at_most is None else f", at most {at_most}"
        self.say(f"{where}{limit} -> {describe_area(area)}")

    def areas(self, start: int, maximum: int) -> None:
        """Print every dirty area that comes in turn before a maximum, for a bitmap made for areas."""
        iterator = self._walk.iterator(start)
        areas = []
        while area := self.ask("next-area", lambda: self._bench.session.next_area(self.bitmap, iterator, maximum)):
            areas.append(describe_area(area))
            if len(areas) > AREAS_MAX:
                raise Disagreement(f"areas from {start} to {maximum} do not end: {' '.join(areas[:5])} ...")
        self.say(f"areas from {start} to {maximum} -> {' '.join(areas) or 'none'}")

    def status(self, start: int, count: int) -> None:
        """Print whether an item is dirty, and for how many items of the range that stays so."""
        dirty, same = self.ask("status", lambda: self.bitmap.status(start, count))
        self.say(f"status of {start}+{count} -> {'dirty' if dirty else 'clean'} for {same}")

    # Section: refusals

    def refused(self, what: str, function: Callable[[], object], value: int | None = None) -> None:
        """Print that something is refused, or what came of it.

        :param value: the value that is at fault, which the text of the refusal has to name.
        """
        text = self._refusal(function)
        if text is None:
            self.say(f"{what} -> accepted")
        elif value is None:
            self.say(f"{what} -> refused")
        else:
            named = re.search(rf"(?<![0-9-]){value}(?![0-9])", text)
            self.say(f"{what} -> refused, {'naming' if named else 'not naming'} {value}")

    def _refusal(self, function: Callable[[], object]) -> str | None:
        try:
            with self._bench.session.bitmap_calls():
                function()
        except ConsoleRefusal as refusal:
            return str(refusal)
        return None


class IteratorView:
    """An iterator with a line for every step.

    :ivar iterator: the implementation's.
    """

    def __init__(self, view: BitmapView, walk: BitmapWalk, iterator: Any, name: str) -> None:
        self.iterator = iterator
        self._view = view
        self._walk = walk
        self._name = name

    def next(self) -> None:
        """Take the next item, and print it."""
        item: int = self._view.ask("next", self.iterator.next)
        self._view.say(f"{self._name}: next -> {_found(item, 'end')}")

    def peek(self) -> None:
        """Look at the next item without taking it, and print it; for implementations with ``hbitmap-peek``."""
        item: int = self._view.ask("peek", lambda: self.iterator.next(advance=False))
        self._view.say(f"{self._name}: peek -> {_found(item, 'end')}")

    def rest(self) -> None:
        """Take everything that is left, and print it."""
        items = self._walk.items(self.iterator)
        self._view.say(f"{self._name}: rest -> {describe_items(items, self._walk.granule)}")


def _found(item: int, nothing: str = "none") -> str:
    return nothing if item == NOTHING else str(item)


def _range_words(start: int, count: int) -> str:
    if count == INT64_MAX:
        return f"from {start}"
    return f"from {start}, {count} item{'' if count == 1 else 's'}"


def describe_area(area: tuple[int, int] | None) -> str:
    """An area as START+COUNT, or ``none``."""
    return "none" if area is None else f"{area[0]}+{area[1]}"


def describe_bits(data: bytes) -> str:
    """Which bits are set in little-endian words, as runs of their numbers."""
    word = int.from_bytes(data, "little")
    runs = []
    position = 0
    while word:
        zeroes = (word & -word).bit_length() - 1
        position += zeroes
        word >>= zeroes
        ones = (~word & (word + 1)).bit_length() - 1
        runs.append(describe_run(position, position + ones - 1))
        position += ones
        word >>= ones
    return " ".join(runs) or "none"
