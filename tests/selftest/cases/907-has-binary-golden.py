"""907-has-binary-golden: a golden that is not UTF-8 fails by name.

Groups: fail
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("one line")
