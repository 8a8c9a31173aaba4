"""904-differs: a transcript that differs from its golden in one letter fails.

Groups: fail
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("one lime")
