"""Iteration over a hierarchical bitmap that may change meanwhile.

The iterator caches one word of each level: the word it stands in, less the bits it has dealt with. That cache is the
contract:

* a bit set behind the iterator, or ahead of it in a word that is cached, is missed; a bit set further ahead is seen;
* a bit reset is never returned, because a cached word is and-ed with the live one whenever it is used;
* truncation invalidates the iterator: every later call raises.

While nothing changes, no cached word can differ from the live one, and nobody could tell whether there is a cache.
Until the first change the iterator therefore gives granules that it has fetched ahead, and only when the bitmap tells
it that a change is coming (``before_change``) does it cache the words of where it stands: the same that it would have.

Source: the iterator contract in QEMU's include/qemu/hbitmap.h; rows HB-03 to HB-06, HB-48, B11, B12, B13.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_impl.bitmap_limits import LAST_LEVEL, LEVELS, NOTHING, WORD_BITS, WORD_BITS_LOG2, lowest_bit
from reference_impl.errors import BitmapError

if TYPE_CHECKING:
    from reference_impl.hbitmap_base import HBitmapBase

#: Granules fetched ahead at first, because many an iterator is asked only once; and later.
FETCH_GRANULES_MIN = 4
FETCH_GRANULES_MAX = 512


class HBitmapIterator:
    """A position in a bitmap, to be moved from dirty granule to dirty granule."""

    __slots__ = (
        "__weakref__",
        "_ahead",
        "_bitmap",
        "_cached_words",
        "_changes_seen",
        "_fetch_granules",
        "_fetched",
        "_generation",
        "_granularity",
        "_is_fetching",
        "_length_looked_at",
        "_start",
        "_word_index",
    )

    def __init__(self, bitmap: HBitmapBase, first: int = 0) -> None:
        """Stand before the granule that holds item ``first``.

        :raise BitmapError: when ``first`` is not below the size; so an empty bitmap has no iterator (B13).
        """
        self._bitmap = bitmap
        self._generation = bitmap.generation
        self._granularity = bitmap.granularity
        self._cached_words = [0] * LEVELS
        #: For each level, how far the bitmap had changed when the cached word was last known to hold no clean bit.
        self._changes_seen = [0] * LEVELS
        self._word_index = 0
        #: Whether the bitmap has not changed yet, and what was fetched counts.
        self._is_fetching = False
        #: What was fetched last, in descending order, and how much of it is still to be given: its beginning.
        self._fetched: list[int] = []
        self._ahead: list[int] = []
        self._fetch_granules = FETCH_GRANULES_MIN
        #: How much was ahead when the next item was looked at and not taken.
        self._length_looked_at = 0
        #: Where what was fetched begins: a granule, and 1 when it was given already, else 0.
        self._start = (0, 0)
        self.move_to(first)

    def move_to(self, first: int) -> None:
        """Stand before the granule that holds item ``first``, and read all words anew.

        :raise BitmapError: when ``first`` is not below the size, or the bitmap was truncated.
        """
        self._check_generation()
        self._start = (self._bitmap.checked_granule(first, "first"), 0)
        self._fetched = []
        self._ahead = []
        self._length_looked_at = 0
        self._is_fetching = True
        self._bitmap.watch(self)

    def next(self, advance: bool = True) -> int:
        """The first item of the next dirty granule, or -1 at the end.

        :param advance: False only looks: the next call returns the same item, unless it was reset meanwhile.
        :raise BitmapError: when the bitmap was truncated after the iterator was made.
        Source: HB-03 to HB-06; HB-48 for ``advance=False``, which only QEMU 3.0 and 3.1 had.
        """
        ahead = self._ahead
        if advance and ahead:
            return ahead.pop()
        if self._is_fetching:
            return self._fetch(advance)
        self._check_generation()
        word = self._drop_clean_bits(LAST_LEVEL, self._word_index) or self._skip_words()
        if not word:
            return NOTHING
        self._cached_words[LAST_LEVEL] = word & (word - 1) if advance else word
        self._changes_seen[LAST_LEVEL] = self._bitmap.changes
        granule = (self._word_index << WORD_BITS_LOG2) + lowest_bit(word)
        return granule << self._granularity

    def move_to_end(self) -> None:
        """Stand behind everything: from now on there is nothing to return."""
        self._is_fetching = False
        self._ahead = []
        self._cached_words = [0] * LEVELS

    def _check_generation(self) -> None:
        if self._generation != self._bitmap.generation:
            raise BitmapError("the bitmap was truncated after this iterator was made")

    # Section: as long as nothing has changed

    def _fetch(self, advance: bool) -> int:
        """The next item, fetched if need be."""
        if not self._ahead:
            if self._fetched:
                self._start = (self._fetched[0] >> self._granularity, 1)
            granules = self._bitmap.dirty_granules_from(sum(self._start), self._fetch_granules)
            self._fetch_granules = min(2 * self._fetch_granules, FETCH_GRANULES_MAX)
            granules.reverse()
            shift = self._granularity
            self._fetched = [granule << shift for granule in granules] if shift else granules
            self._ahead = self._fetched.copy()
            self._length_looked_at = 0
            if not granules:
                return NOTHING
        if advance:
            return self._ahead.pop()
        self._length_looked_at = len(self._ahead)
        return self._ahead[-1]

    def before_change(self) -> None:
        """Cache the words of where the iterator stands: from now on they may differ from the live ones."""
        if not self._is_fetching:
            return
        ahead_count = len(self._ahead)
        if ahead_count and ahead_count == self._length_looked_at:
            # To look is to move to the word of what was seen, and to cache it.
            granule, given = self._ahead[-1] >> self._granularity, 0
        elif ahead_count < len(self._fetched):
            granule, given = self._fetched[ahead_count] >> self._granularity, 1
        else:
            granule, given = self._start
        self._is_fetching = False
        self._fetched = []
        self._ahead = []
        self._cache_words(granule, given)

    def _cache_words(self, granule: int, given: int) -> None:
        """Cache the words in which ``granule`` lies, without the bits before it, nor its own when it was given."""
        self._changes_seen = [self._bitmap.changes] * LEVELS
        self._cached_words = [0] * LEVELS
        self._word_index = granule >> WORD_BITS_LOG2
        for level in range(LAST_LEVEL, -1, -1):
            # The bit on the way down is left out above the last level: the words below it are cached.
            bit = granule & (WORD_BITS - 1)
            first_kept_bit = bit + given if level == LAST_LEVEL else bit + 1
            granule >>= WORD_BITS_LOG2
            ahead = (granule << WORD_BITS_LOG2) + first_kept_bit
            # Most levels of a small bitmap have nothing ahead, and need no look.
            if ahead << WORD_BITS_LOG2 * (LAST_LEVEL - level) < self._bitmap.granules:
                self._cached_words[level] = self._live_word(level, granule) >> first_kept_bit << first_kept_bit

    # Section: ever since

    def _skip_words(self) -> int:
        """Move to the next word of the last level that is not zero, and return it, or 0 at the end.

        At the end nothing moves: an item set again in the cached word is still found by a later call.
        """
        cached_words = self._cached_words
        index = self._word_index
        for level in range(LAST_LEVEL - 1, -1, -1):
            index >>= WORD_BITS_LOG2
            word = self._drop_clean_bits(level, index)
            if word:
                break
        else:
            return 0
        changes = self._bitmap.changes
        for below in range(level + 1, LEVELS):
            cached_words[below - 1] = word & (word - 1)
            self._changes_seen[below - 1] = changes
            index = (index << WORD_BITS_LOG2) + lowest_bit(word)
            word = self._live_word(below, index)
        self._word_index = index
        return word

    def _drop_clean_bits(self, level: int, index: int) -> int:
        """The cached word of a level, less what was reset since it was read. The cache itself stays (HB-06)."""
        word = self._cached_words[level]
        if word and self._changes_seen[level] != self._bitmap.changes:
            word &= self._live_word(level, index)
        return word

    def _live_word(self, level: int, index: int) -> int:
        """The word that the bitmap has now; and-ing the cache with it keeps clean items out (B11)."""
        return self._bitmap.word(level, index)
