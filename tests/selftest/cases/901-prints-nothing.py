"""901-prints-nothing: an empty transcript and an empty golden are equal.

Groups: pass
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    del bench
