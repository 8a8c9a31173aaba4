"""940-loops-for-ever: a case that never ends is ended at its limit, and shows where it was.

Groups: hang
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("begun")
    while True:
        pass
