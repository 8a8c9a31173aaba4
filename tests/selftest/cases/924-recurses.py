"""924-recurses: endless recursion is the case's fault, wherever its end lies.

Groups: broken
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    run(bench)
