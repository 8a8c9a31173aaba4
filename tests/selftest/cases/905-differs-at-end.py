"""905-differs-at-end: a golden without its last newline is another golden.

Groups: fail
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("one line")
