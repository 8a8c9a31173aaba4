"""How long a job must rest after it has moved so many bytes.

Time is cut in slices of 100 ms, each with a quota of bytes. Bytes beyond the quota stretch the slice: a job that moved
ten quotas at once rests for ten slices. Changing the speed changes the quota of the slice that runs, not its start, so
that changing it often gives no extra bytes (A18, A19).
"""

from __future__ import annotations

SLICE_NS = 100_000_000
"""Length of a slice: 100 ms, which is also how long an idle job sleeps."""


class RateLimit:
    """A limit in bytes a second; 0 means none."""

    def __init__(self) -> None:
        self._quota_bytes = 0
        self._slice_start_ns = 0
        self._slice_end_ns = -1
        self._dispatched_bytes = 0

    def set_speed(self, bytes_per_second: int) -> None:
        """Set the limit; a slice lets at least one byte pass."""
        self._quota_bytes = max(bytes_per_second * SLICE_NS // 1_000_000_000, 1) if bytes_per_second else 0

    def account(self, length_bytes: int, now_ns: int) -> None:
        """Count bytes that have been dispatched."""
        self.delay_ns(length_bytes, now_ns)

    def delay_ns(self, length_bytes: int, now_ns: int) -> int:
        """Count bytes and return how long to rest from now, in nanoseconds, before dispatching more."""
        if not self._quota_bytes:
            return 0
        if self._slice_end_ns < now_ns:
            self._slice_start_ns = now_ns
            self._slice_end_ns = now_ns + SLICE_NS
            self._dispatched_bytes = 0
        self._dispatched_bytes += length_bytes
        if self._dispatched_bytes < self._quota_bytes:
            return 0
        self._slice_end_ns = self._slice_start_ns + self._dispatched_bytes * SLICE_NS // self._quota_bytes
        return max(self._slice_end_ns - now_ns, 0)
