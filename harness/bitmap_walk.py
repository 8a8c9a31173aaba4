"""Walks a bitmap with its own iterators, whatever it is behind, and says in a few words what they gave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from harness.errors import Disagreement

T = TypeVar("T")

#: What an iterator gives at its end, and a search that finds nothing.
NOTHING = -1

#: How many steps of an iterator are asked for at a time.
BATCH_STEPS = 500

#: A walk that has given this many neighbouring granules goes on at the other end of the run: that is three words of the
#: last level, wherever it began.
STRIDE_GRANULES = 200

#: How far before a border, or before the end of a run, a walk goes on.
APPROACH_GRANULES = 66

#: Granules in a word of the last level, in a word of the one above it, and so on.
BORDERS_GRANULES = (64, 64**2, 64**3)


class Ask(Protocol):
    """Calls the implementation where no refusal is expected: what for, and the call."""

    def __call__(self, what: str, function: Callable[[], T], /) -> T: ...


class BitmapWalk:
    """Walks over one bitmap.

    :ivar granule: items in a granule.
    """

    def __init__(self, bitmap: Any, ask: Ask, peeks: bool) -> None:
        """Walk over a bitmap.

        :param peeks: whether the next item is to be looked at before it is taken (HB-48).
        """
        self._bitmap = bitmap
        self._ask = ask
        self._peeks = peeks
        granularity: int = ask("granularity", lambda: bitmap.granularity)
        self.granule = 1 << granularity

    def iterator(self, first: int) -> Any:
        """A new iterator."""
        return self._ask(f"an iterator from {first}", lambda: self._bitmap.iterator(first))

    def done(self, iterator: Any) -> None:
        """Give an iterator back to an implementation that wants it."""
        free: Callable[[], None] | None = getattr(iterator, "free", None)
        if free is not None:
            self._ask("iter-free", free)

    def walk(self, first: int, count: int | None = None) -> list[int]:
        """``items`` of an iterator that begins at ``first`` and is needed for nothing else."""
        iterator = self.iterator(first)
        items = self.items(iterator, count)
        self.done(iterator)
        return items

    def items(self, iterator: Any, count: int | None = None) -> list[int]:
        """The next ``count`` items of an iterator, or all; the last is NOTHING when it came to its end.

        :raise Disagreement: when an item is not the one that was seen in advance, or does not ascend.
        """
        items: list[int] = []
        while (not items or items[-1] != NOTHING) and (count is None or len(items) < count):
            batch = BATCH_STEPS if count is None else min(BATCH_STEPS, count - len(items))
            items += self._take(iterator, batch, items[-1] if items else NOTHING)
        return items

    def _take(self, iterator: Any, count: int, previous: int) -> list[int]:
        # A console takes many commands at a time, when nobody needs to see each answer before the next command.
        take = getattr(iterator, "take", None) or partial(_take_one_by_one, iterator)
        pairs: list[tuple[int, int]] = self._ask("an iterator's step", lambda: take(count, self._peeks))
        for seen, item in pairs:
            if seen != item:
                raise Disagreement(f"the iterator showed {seen} without advancing, and gave {item}")
            if item <= previous and item != NOTHING:
                raise Disagreement(f"the iterator gave {item} after {previous}")
            previous = item
        return [item for _, item in pairs]

    def dirt(self) -> str:
        """What an iterator from item 0 gives, long runs at their borders only.

        :raise Disagreement: when a walk inside of such a run does not give every granule.
        """
        words: list[str] = []
        size: int = self._ask("size", lambda: self._bitmap.size)
        position = 0
        while position < size:
            items = self.walk(position, STRIDE_GRANULES)
            runs = list(runs_of(items, self.granule))
            if items[-1] == NOTHING:
                words += [describe_run(*run) for run in runs]
                break
            # The last run may go on: it is followed from its own beginning, and everything before it is settled.
            words += [describe_run(*run) for run in runs[:-1]]
            position, last = runs[-1]
            if last - position >= (STRIDE_GRANULES - 1) * self.granule:
                end = self._end_of_long_run(position, size)
                words.append(f"{position}..{end - self.granule}")
                position = end
        return " ".join(words) or "nothing"

    def _end_of_long_run(self, first: int, size: int) -> int:
        """The item behind the run that begins at ``first``, which is walked across borders and at its end."""
        end: int = self._ask("next-zero", lambda: self._bitmap.next_zero(first))
        end = -(-(size if end == NOTHING else end) // self.granule) * self.granule
        approach = APPROACH_GRANULES * self.granule
        starts = {end - approach}
        for border in BORDERS_GRANULES:
            border *= self.granule
            starts |= {(first // border + 1) * border - approach, (end - 1) // border * border - approach}
        for start in sorted(starts):
            if not first < start < end:
                continue
            expected = list(range(start, end, self.granule)[: 2 * APPROACH_GRANULES])
            if end >= size and expected[-1] + self.granule == end:
                expected.append(NOTHING)
            given = self.walk(start, len(expected))
            if given != expected:
                raise Disagreement(
                    f"an iterator from {start} gives {describe_items(given, self.granule)}, "
                    f"though all is dirty from {first} to {end}"
                )
        return end


def _take_one_by_one(iterator: Any, count: int, peeks: bool) -> list[tuple[int, int]]:
    pairs = []
    for _ in range(count):
        seen = iterator.next(advance=False) if peeks else None
        item = iterator.next()
        pairs.append((item if seen is None else seen, item))
        if item == NOTHING:
            break
    return pairs


def runs_of(items: Iterable[int], granule: int = 1) -> Iterator[tuple[int, int]]:
    """Runs of neighbouring granules, as (start of the first, start of the last); NOTHING is left out."""
    run: tuple[int, int] | None = None
    for item in items:
        if item == NOTHING:
            continue
        if run is not None and item == run[1] + granule:
            run = run[0], item
        else:
            if run is not None:
                yield run
            run = item, item
    if run is not None:
        yield run


def describe_run(first: int, last: int) -> str:
    """A run of granules that were all given."""
    return str(first) if first == last else f"{first}-{last}"


def describe_items(items: Sequence[int], granule: int = 1) -> str:
    """Items that were all given, with ``end`` where the iterator came to it."""
    words = [describe_run(*run) for run in runs_of(items, granule)]
    if items and items[-1] == NOTHING:
        words.append("end")
    return " ".join(words) or "nothing"
