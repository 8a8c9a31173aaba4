"""960-prints-without-end: a transcript has a limit, and beyond it the case is at fault.

Groups: broken
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    while True:
        bench.say("x" * 65535)
