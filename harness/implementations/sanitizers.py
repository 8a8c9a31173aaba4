"""What a sanitizer that a program was built with has found: it says so on stderr, and often lets the program go on.

Source: the heads of reports in the manuals of clang's sanitizers, which gcc's are like. Valgrind's are not looked
for: in a QEMU that was not built for it, each change of a coroutine is reported.
"""

from __future__ import annotations

import re

from harness.processes import Child

_HEAD = re.compile(r"^.*(?:(?:ERROR|WARNING): [A-Za-z]+Sanitizer\b|: runtime error: ).*$", re.MULTILINE)


class SanitizerReports:
    """Looks through what a program writes to stderr, each line once."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._seen_bytes = 0

    def first_new(self) -> str | None:
        """The head of the first report since the last time; None when there is none."""
        size_bytes = self._child.stderr_size()
        if size_bytes == self._seen_bytes:
            return None
        text = self._child.stderr_tail(size_bytes - self._seen_bytes)
        self._seen_bytes = size_bytes
        found = _HEAD.search(text)
        return found[0].strip() if found is not None else None
