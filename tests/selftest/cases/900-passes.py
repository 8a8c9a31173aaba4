"""900-passes: a case whose transcript is its golden passes.

Groups: pass
Source: docs/supervision.md
"""

from harness.bench import Bench


def run(bench: Bench) -> None:
    bench.say("one line")
