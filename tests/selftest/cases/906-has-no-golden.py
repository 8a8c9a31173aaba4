"""906-has-no-golden: a case without a golden fails.

Groups: fail
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("one line")
