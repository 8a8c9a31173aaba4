"""923-raises-memory-error: running out of memory is an exception like any other.

Groups: broken
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    raise MemoryError
