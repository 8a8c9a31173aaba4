"""Two simple models that the reference's bitmap is held against.

``ItemSet`` answers every question about content by looking through a set of granule numbers. ``BookIterator`` iterates
as the algorithm is told in words: seven cached words, each word of the bitmap computed from the set whenever needed.
Neither knows anything of runs, and both are far too slow for use.
"""

from __future__ import annotations

LEVELS = 7
WORD_BITS = 64


class ItemSet:
    """The set of dirty granules of a bitmap."""

    def __init__(self, size: int, granularity: int) -> None:
        self.size = size
        self.granularity = granularity
        self.granules: set[int] = set()
        self._words: list[dict[int, int]] | None = None

    @property
    def granule_count(self) -> int:
        return -(-self.size // 2**self.granularity)

    @property
    def count(self) -> int:
        return len(self.granules) * 2**self.granularity

    def touched(self, start: int, count: int) -> set[int]:
        """The granules that hold an item of the range."""
        if not count:
            return set()
        return set(range(start // 2**self.granularity, (start + count - 1) // 2**self.granularity + 1))

    def set(self, start: int, count: int) -> None:
        self.granules |= self.touched(start, count)
        self._words = None

    def reset(self, start: int, count: int) -> None:
        self.granules -= self.touched(start, count)
        self._words = None

    def reset_all(self) -> None:
        self.granules.clear()
        self._words = None

    def get(self, item: int) -> bool:
        return item // 2**self.granularity in self.granules

    def truncate(self, size: int) -> None:
        self.size = size
        self.granules = {granule for granule in self.granules if granule < self.granule_count}
        self._words = None

    def next_dirty(self, start: int, end: int) -> int:
        """The first dirty item from ``start`` to before ``end``, or -1."""
        for granule in sorted(self.granules):
            first, behind = granule * 2**self.granularity, (granule + 1) * 2**self.granularity
            if start < behind:
                return max(start, first) if max(start, first) < min(end, self.size) else -1
        return -1

    def next_zero(self, start: int, end: int) -> int:
        """The first clean item from ``start`` to before ``end``, or -1."""
        while self.get(start):
            start = (start // 2**self.granularity + 1) * 2**self.granularity
        return start if start < min(end, self.size) else -1

    def word(self, level: int, index: int) -> int:
        """A word of the hierarchy, from the definition."""
        if self._words is None:
            self._words = []
            bits = self.granules
            for _ in range(LEVELS):
                words: dict[int, int] = {}
                for bit in bits:
                    words[bit // WORD_BITS] = words.get(bit // WORD_BITS, 0) | 1 << bit % WORD_BITS
                self._words.insert(0, words)
                bits = set(words)
        return self._words[level].get(index, 0)


class BookIterator:
    """An iterator that caches one word of each level and and-s it with the live word at each use."""

    def __init__(self, items: ItemSet, first: int) -> None:
        self.items = items
        position = first // 2**items.granularity
        self.word_index = position // WORD_BITS
        self.words = [0] * LEVELS
        for level in reversed(range(LEVELS)):
            bit = position % WORD_BITS
            position //= WORD_BITS
            below_kept = bit if level == LEVELS - 1 else bit + 1
            self.words[level] = sum(1 << i for i in range(below_kept, 64) if items.word(level, position) >> i & 1)

    def next(self, advance: bool) -> int:
        level, index = LEVELS - 1, self.word_index
        word = self.words[level] & self.items.word(level, index)
        while not word:
            level -= 1
            if level < 0:
                return -1
            index //= WORD_BITS
            word = self.words[level] & self.items.word(level, index)
        while level < LEVELS - 1:
            lowest = min(i for i in range(WORD_BITS) if word >> i & 1)
            self.words[level] = word & ~(1 << lowest)
            index = index * WORD_BITS + lowest
            level += 1
            word = self.items.word(level, index)
        self.word_index = index
        lowest = min(i for i in range(WORD_BITS) if word >> i & 1)
        self.words[level] = word & ~(1 << lowest) if advance else word
        return (index * WORD_BITS + lowest) * 2**self.items.granularity
