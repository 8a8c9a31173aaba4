"""Iteration over a hierarchical bitmap that may change meanwhile.

The iterator caches one word of each level: the word it stands in, less the bits it has dealt with. That cache is the
contract:

* a bit set behind the iterator, or ahead of it in a word that is cached, is missed; a bit set further ahead is seen;
* a bit reset is never returned, because a cached word is and-ed with the live one whenever it is used;
* truncation invalidates the iterator: every later call raises.

Source: the iterator contract in QEMU's include/qemu/hbitmap.h; rows HB-03 to HB-06, HB-48, B11, B12, B13.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reference_impl.bitmap_limits import LAST_LEVEL, LEVELS, NOTHING, WORD_BITS, WORD_BITS_LOG2, lowest_bit
from reference_impl.errors import BitmapError

if TYPE_CHECKING:
    from reference_impl.hbitmap_base import HBitmapBase


class HBitmapIterator:
    """A position in a bitmap, to be moved from dirty granule to dirty granule."""

    __slots__ = ("_bitmap", "_cached_words", "_changes_seen", "_generation", "_granularity", "_word_index")

    def __init__(self, bitmap: HBitmapBase, first: int = 0) -> None:
        """Stand before the granule that holds item ``first``.

        :raise BitmapError: when ``first`` is not below the size; so an empty bitmap has no iterator (B13).
        """
        self._bitmap = bitmap
        self._generation = bitmap.generation
        self._granularity = bitmap.granularity
        self._cached_words = [0] * LEVELS
        self._changes_seen = [0] * LEVELS
        self._word_index = 0
        self.move_to(first)

    def move_to(self, first: int) -> None:
        """Stand before the granule that holds item ``first``, and read all words anew.

        :raise BitmapError: when ``first`` is not below the size, or the bitmap was truncated.
        """
        self._check_generation()
        granule = self._bitmap.checked_granule(first, "first")
        #: For each level, how far the bitmap had changed when the cached word was last known to hold no clean bit.
        self._changes_seen = [self._bitmap.changes] * LEVELS
        self._cached_words = [0] * LEVELS
        self._word_index = granule >> WORD_BITS_LOG2
        for level in range(LAST_LEVEL, -1, -1):
            # The bit on the way down to `first` is left out above the last level: the words below it are cached.
            bit = granule & (WORD_BITS - 1)
            first_kept_bit = bit if level == LAST_LEVEL else bit + 1
            granule >>= WORD_BITS_LOG2
            ahead = (granule << WORD_BITS_LOG2) + first_kept_bit
            # Most levels of a small bitmap have nothing ahead, and need no look.
            if ahead << WORD_BITS_LOG2 * (LAST_LEVEL - level) < self._bitmap.granules:
                self._cached_words[level] = self._live_word(level, granule) >> first_kept_bit << first_kept_bit

    def next(self, advance: bool = True) -> int:
        """The first item of the next dirty granule, or -1 at the end.

        :param advance: False only looks: the next call returns the same item, unless it was reset meanwhile.
        :raise BitmapError: when the bitmap was truncated after the iterator was made.
        Source: HB-03 to HB-06; HB-48 for ``advance=False``, which only QEMU 3.0 and 3.1 had.
        """
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
        self._cached_words = [0] * LEVELS

    def _check_generation(self) -> None:
        if self._generation != self._bitmap.generation:
            raise BitmapError("the bitmap was truncated after this iterator was made")

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
